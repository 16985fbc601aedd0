import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../", import.meta.url));

async function textOf(...path: string[]): Promise<string> {
  return (await readFile(resolve(...path), "utf8")).trim();
}

/** The folder of a checkout's own files: `.git`, or in a worktree what a file of that name points to. */
async function gitFolder(checkout: string): Promise<string> {
  const place = resolve(checkout, ".git");
  if ((await stat(place)).isDirectory()) return place;
  return resolve(checkout, (await textOf(place)).replace(/^gitdir: /, ""));
}

/** The folder of what all worktrees of a repository share, branches among it. */
async function sharedFolder(git: string): Promise<string> {
  return resolve(git, await textOf(git, "commondir").catch(() => "."));
}

/**
 * Finds the commit of the code that runs, for the record; reads git's files, starts no process.
 *
 * @param checkout Folder of a checkout or of a worktree; that of this program if left out.
 * @returns The commit's 40 digits, or `unknown` outside a checkout.
 */
export async function gitCommit(checkout: string = PROJECT): Promise<string> {
  try {
    const git = await gitFolder(checkout);
    const head = await textOf(git, "HEAD");
    if (!head.startsWith("ref: ")) return head;
    const ref = head.slice("ref: ".length);
    const shared = await sharedFolder(git);
    return await textOf(shared, ref).catch(async () => {
      const packed = (await textOf(shared, "packed-refs")).split("\n");
      return packed.find((line) => line.endsWith(` ${ref}`))?.split(" ")[0] ?? "unknown";
    });
  } catch {
    return "unknown";
  }
}
