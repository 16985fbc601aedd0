import { join } from "node:path";
import { gitCommit } from "./git_commit.ts";

/** Name of the file, beside the store of trials. */
const FILE = "bench.jsonl";

/**
 * Appends what a bench measured to `bench.jsonl`, one JSON object a line, oldest first: command, commit
 * and start, then the result. It stands beside the run store, whose rows are trials of experiments.
 *
 * @param folder Where; it exists.
 * @param started When the measuring started.
 * @param result What `--json` prints.
 * @returns Path of the file.
 */
export async function appendBench(folder: string, started: Date, result: object): Promise<string> {
  const entry = {
    command: ["bitcliff", ...Deno.args].join(" "),
    commit: await gitCommit(),
    started: started.toISOString(),
    ...result,
  };
  const path = join(folder, FILE);
  await Deno.writeTextFile(path, `${JSON.stringify(entry)}\n`, { append: true });
  return path;
}
