import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/**
 * Finds the commit of the code that runs, for the record; reads git's files, starts no process.
 *
 * @returns The commit's 40 digits, or `unknown` outside a checkout.
 */
export async function gitCommit(): Promise<string> {
  const git = fileURLToPath(new URL("../.git/", import.meta.url));
  const text = async (name: string) => (await readFile(git + name, "utf8")).trim();
  try {
    const head = await text("HEAD");
    if (!head.startsWith("ref: ")) return head;
    const ref = head.slice("ref: ".length);
    try {
      return await text(ref);
    } catch {
      const packed = (await text("packed-refs")).split("\n");
      return packed.find((line) => line.endsWith(` ${ref}`))?.split(" ")[0] ?? "unknown";
    }
  } catch {
    return "unknown";
  }
}
