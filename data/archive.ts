import { decodeTar, gunzip, UserError } from "../formats/mod.ts";
import { type DownloadProgress, downloadResumably, type LargeFile } from "./resumable_download.ts";

/** An archive to fetch, and what is wanted of it. */
export interface Archive extends LargeFile {
  /** Names of the files to take out, whatever folder of the archive they are in. */
  readonly files: readonly string[];
}

/**
 * Fetches a `.tar.gz` and unpacks the files that are wanted into a new folder, which appears whole or
 * not at all.
 *
 * What has come of a broken download stays beside the folder, and the next call goes on from there.
 * Needs the permissions to read and write there and to reach the server.
 *
 * @param archive What to fetch and how to verify it.
 * @param folder Where the files go; its parent is made if need be.
 * @param onProgress Told how much has come.
 * @throws {UserError} If the archive cannot be fetched, is not the right one or lacks a file.
 */
export async function fetchArchive(
  archive: Archive,
  folder: string,
  onProgress?: DownloadProgress,
): Promise<void> {
  const { url, files } = archive;
  await Deno.mkdir(folder.replace(/[^/]+\/*$/, ""), { recursive: true });
  const path = `${folder}.tar.gz.part`;
  const unpacked = decodeTar(
    await gunzip(await downloadResumably(archive, { path, onProgress }), url),
    url,
  );
  const byName = new Map([...unpacked].map(([name, bytes]) => [name.split("/").at(-1)!, bytes]));
  const missing = files.filter((name) => !byName.has(name));
  if (missing.length > 0) {
    throw new UserError(
      `Cannot unpack "${url}": it must hold ${files.join(", ")}: it lacks ${missing}`,
    );
  }
  const temporary = `${folder}.${crypto.randomUUID()}.part`;
  try {
    await Deno.mkdir(temporary);
    for (const name of files) await Deno.writeFile(`${temporary}/${name}`, byName.get(name)!);
    await Deno.rename(temporary, folder);
  } catch (error) {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
    throw error;
  }
  await Deno.remove(path);
}
