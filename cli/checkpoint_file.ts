import { readFile } from "node:fs/promises";
import { UserError } from "../formats/mod.ts";

/**
 * Reads the file of a checkpoint that somebody named.
 *
 * @param path The file.
 * @param doing What it is read for, for the error.
 * @returns Its bytes.
 * @throws {UserError} If it cannot be read.
 */
export async function readCheckpointFile(
  path: string,
  doing: "read" | "resume from" | "start from" = "read",
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    throw new UserError(`Cannot ${doing} ${path}: ${(error as Error).message.split("\n")[0]}`);
  }
}
