import { rename, writeFile } from "node:fs/promises";

/**
 * Writes a file so that it appears whole or not at all, and replaces an older one.
 *
 * @param path Where.
 * @param bytes Its content.
 */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.${Deno.pid}.part`;
  await writeFile(part, bytes);
  await rename(part, path);
}
