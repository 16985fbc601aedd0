import assert from "node:assert/strict";
import { writeBars } from "../experiments/execute/bars_folder.ts";

const root = new URL("../../", import.meta.url);
const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));

/** How a command ended. */
export interface CommandOutcome {
  readonly code: number;
  readonly stdout: string;
  /** Without what Mesa says of a missing `XDG_RUNTIME_DIR`. */
  readonly stderr: string;
}

/**
 * Prepares a command as its task in `deno.json` would start it, with no more permissions than that.
 *
 * @param task Name of the task.
 * @param args What a person types after it.
 * @param output Where its output goes.
 * @returns The command.
 */
export function command(
  task: string,
  args: readonly string[],
  output: "piped" | "null" = "piped",
): Deno.Command {
  const words: string[] = tasks[task].command.match(/"[^"]*"|\S+/g);
  const [, run, ...rest] = words.map((word) =>
    word.replace(/^"(.*)"$/, "$1").replace(/\$\(deno eval .*\)/, Deno.execPath())
  );
  assert.equal(run, "run");
  return new Deno.Command(Deno.execPath(), {
    cwd: root,
    // --quiet: on a fresh machine Deno says what it downloads, in between
    args: ["run", "--quiet", ...rest, ...args],
    env: { INIT_CWD: "" },
    stdin: "null",
    stdout: output,
    stderr: output,
  });
}

/** Takes out what drivers say. */
export function withoutDrivers(stderr: string): string {
  return stderr.split("\n").filter((line) => !line.includes("XDG_RUNTIME_DIR")).join("\n");
}

/** Runs a command to its end. */
export async function bitcliff(task: string, ...args: string[]): Promise<CommandOutcome> {
  const { code, stdout, stderr } = await command(task, args).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: withoutDrivers(decoder.decode(stderr)),
  };
}

/** Runs a command that must go well. */
export async function succeed(task: string, ...args: string[]): Promise<CommandOutcome> {
  const outcome = await bitcliff(task, ...args);
  assert.equal(outcome.code, 0, outcome.stderr);
  return outcome;
}

/**
 * Runs a command that must be refused as a person's mistake: code 2, nothing on standard output, and one
 * line that is no stack trace.
 *
 * @returns That line.
 */
export async function refusal(task: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await bitcliff(task, ...args);
  const call = [task, ...args].join(" ");
  assert.equal(code, 2, `${call}: ${stderr}`);
  assert.equal(stdout, "", call);
  assert.match(stderr, /^[^\n]+\n$/, call);
  assert.doesNotMatch(stderr, /\bat \S+:\d+/, call);
  return stderr.trimEnd();
}

/** Runs `test` with a folder for output that holds a data set of bars; it is gone afterward. */
export async function withBars(
  test: (folder: string, bars: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "bitcliff-test-" }));
  try {
    const bars = `${folder}/bars`;
    await Deno.mkdir(bars);
    await writeBars(bars);
    await test(folder, bars);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Far beyond what a busy machine needs: only what never comes should end a wait. */
const WAIT_MINUTES = 5;

/** Waits until something holds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + WAIT_MINUTES * 60_000;
  while (!await holds()) {
    assert.ok(performance.now() < end, `waited ${WAIT_MINUTES} minutes for: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
