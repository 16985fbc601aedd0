import { UserError } from "../formats/mod.ts";
import { sha256Hex, verifySha256 } from "./sha256.ts";

/** A file to fetch, and how to know that it is the right one. */
export interface Download {
  /** Addresses to try in order; the next one is tried where a server answers 404. */
  readonly urls: readonly string[];
  /** Digest that the decoded content must have, 64 hexadecimal digits. */
  readonly sha256: string;
  /** Name in the cache, which the first digits of the digest are added to. */
  readonly name: string;
  /** Folder to keep it in; made if it does not exist. */
  readonly cacheDirectory: string;
  /** What to do with the bytes before they are verified and kept, such as to decompress them. */
  readonly decode?: (
    bytes: Uint8Array<ArrayBuffer>,
    url: string,
  ) => Promise<Uint8Array<ArrayBuffer>>;
}

/** Long enough for a data set over a slow line, short enough not to hang for ever. */
const TIMEOUT_MS = 10 * 60_000;

/**
 * Fetches one address.
 *
 * @param url An `http:` or `https:` address.
 * @returns The body, or `undefined` where the server answers 404.
 * @throws {UserError} If the server cannot be reached, answers with another status than 200, or the
 * body is cut.
 */
export async function fetchBytes(url: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.status === 200) return new Uint8Array(await response.arrayBuffer());
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    throw new UserError(
      `Cannot download "${url}": expected HTTP status 200: found ${response.status}`,
    );
  } catch (error) {
    if (error instanceof UserError || error instanceof Deno.errors.NotCapable) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`Cannot download "${url}": ${reason}`, { cause: error });
  }
}

/** Reads a kept file, unless it is absent or no longer what it was. */
async function readCached(
  path: string,
  sha256: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const bytes = await Deno.readFile(path);
    if (await sha256Hex(bytes) === sha256.toLowerCase()) return bytes;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return undefined;
}

/** Writes a file so that no other process ever sees a part of it. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.part`;
  try {
    await Deno.writeFile(temporary, bytes, { createNew: true });
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/**
 * Fetches a file once and keeps it; a file that is cut or has the wrong digest is never kept.
 *
 * Needs the permissions to read and write `cacheDirectory` and to reach the servers.
 *
 * @param file What to fetch and how to verify it.
 * @returns The decoded and verified content.
 * @throws {UserError} If no address has the file, or what it has is not the right file.
 */
export async function download(file: Download): Promise<Uint8Array<ArrayBuffer>> {
  const { urls, sha256, name, cacheDirectory, decode } = file;
  const path = `${cacheDirectory}/${name}.${sha256.slice(0, 16).toLowerCase()}`;
  const cached = await readCached(path, sha256);
  if (cached !== undefined) return cached;
  for (const url of urls) {
    const body = await fetchBytes(url);
    if (body === undefined) continue;
    const bytes = decode === undefined ? body : await decode(body, url);
    await verifySha256(bytes, sha256, url);
    await Deno.mkdir(cacheDirectory, { recursive: true });
    await writeWhole(path, bytes);
    return bytes;
  }
  throw new UserError(
    `Cannot download "${name}": expected one of ${urls.join(", ")}: found none (HTTP status 404)`,
  );
}
