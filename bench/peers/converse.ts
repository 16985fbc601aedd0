import assert from "node:assert/strict";
import type { Answer, Greeting } from "./protocol.ts";

const MAIN = [Deno.execPath(), "run", "--no-prompt", "--frozen", "--allow-env", "main.ts"];

/**
 * Starts a process, sends all lines at once and gives what it wrote.
 *
 * @param lines The requests.
 * @param command The program and its arguments; `main.ts` if left out.
 * @returns Its greeting, and an answer a line.
 */
export async function converse(
  lines: readonly string[],
  [program, ...args]: readonly string[] = MAIN,
): Promise<[Greeting, ...Answer[]]> {
  const child = new Deno.Command(program, {
    args,
    cwd: new URL(".", import.meta.url),
    env: { DENO_WEBGPU_BACKEND: "vulkan" },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(lines.join("\n") + "\n"));
  await input.close();
  const { code, stdout } = await child.output();
  assert.equal(code, 0);
  const written = new TextDecoder().decode(stdout).trimEnd().split("\n");
  return written.map((line) => JSON.parse(line)) as [Greeting, ...Answer[]];
}
