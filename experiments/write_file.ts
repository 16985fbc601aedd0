import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../formats/user_error.ts";

/** Room that the results of an experiment and the store's log need, in bytes. */
const ROOM = 8 << 20;

/**
 * Writes all of the bytes under another name, then takes the name: a reader never sees half a file, and
 * an older file stays until the new one is whole.
 *
 * @param path Where.
 * @param content Bytes, or text that becomes UTF-8.
 */
export function writeFile(path: string, content: string | Uint8Array): void {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const unfinished = `${path}.${Deno.pid}.unfinished`;
  try {
    const file = openSync(unfinished, "w");
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

/**
 * Finds out, before any work is done, whether results can be written to a folder: it makes the folder
 * and writes 8 MiB to a file that it removes again.
 *
 * @param folder Where results will go.
 * @throws {UserError} If the folder cannot be made or written, or the disk is full.
 */
export function checkOutput(folder: string): void {
  const probe = join(folder, `probe.${Deno.pid}`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFile(probe, new Uint8Array(ROOM));
    rmSync(probe);
  } catch (error) {
    if (!(error instanceof Error) || error.name === "NotCapable") throw error;
    throw new UserError(
      `Cannot write results to ${folder}: it must be a folder with room for ${ROOM >> 20} MiB: ` +
        error.message.split("\n")[0],
    );
  }
}
