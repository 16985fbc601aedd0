import { gunzip, isGzip, UserError } from "../formats/mod.ts";
import { download, fetchBytes } from "./download.ts";
import {
  digestsByPart,
  type IdxDigest,
  idxName,
  type IdxPart,
  idxParts,
  idxSpellings,
} from "./idx_names.ts";
import type { NamedBytes } from "./image_set.ts";
import { parseSha256Sums, sha256Hex, verifySha256 } from "./sha256.ts";

/** The content of one of the four files. */
export interface IdxFile extends NamedBytes {
  /** SHA-256 of the content, 64 hexadecimal digits. */
  readonly sha256: string;
}

/** Decompresses what is compressed, whatever its name says. */
async function unpack(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  return isGzip(bytes) ? await gunzip(bytes, name) : bytes;
}

async function readIfThere(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.NotADirectory) return undefined;
    if (error instanceof Deno.errors.NotCapable) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`Cannot read "${path}": ${reason}`, { cause: error });
  }
}

/** Reads all four files at once; of several failures the first in order is reported, in every run. */
async function readParts(
  read: (part: IdxPart) => Promise<IdxFile>,
): Promise<Record<IdxPart, IdxFile>> {
  const results = await Promise.allSettled(idxParts.map(read));
  const files = results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
  return Object.fromEntries(idxParts.map((part, i) => [part, files[i]])) as Record<
    IdxPart,
    IdxFile
  >;
}

/** Lists a folder's first files, for the error that says what is there instead. */
async function contents(folder: string): Promise<string> {
  const shown = 8;
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder), (entry) => entry.name);
    if (entries.length === 0) return "an empty folder";
    const more = entries.length > shown ? ` and ${entries.length - shown} more` : "";
    return entries.sort().slice(0, shown).join(", ") + more;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "no such folder";
    if (error instanceof Deno.errors.NotADirectory) return "a file";
    throw error;
  }
}

async function readLocal(folder: string, part: IdxPart, digest?: IdxDigest): Promise<IdxFile> {
  // The digest of a compressed file says nothing of a file that is not, and must not be passed over.
  const spellings = idxSpellings(part).filter((name) =>
    !digest?.compressed || name.endsWith(".gz")
  );
  for (const spelling of spellings) {
    const name = `${folder.replace(/[\\/]+$/, "")}/${spelling}`;
    const file = await readIfThere(name);
    if (file === undefined) continue;
    if (digest?.compressed) await verifySha256(file, digest.sha256, name);
    const bytes = await unpack(file, name);
    return { name, bytes, sha256: await sha256Hex(bytes) };
  }
  throw new UserError(
    `Cannot read a data set from "${folder}": expected ${spellings.join(" or ")}: ` +
      `found ${await contents(folder)}`,
  );
}

async function fetchRemote(
  base: string,
  part: IdxPart,
  digest: IdxDigest,
  cacheDirectory: string,
): Promise<IdxFile> {
  const { name, sha256, compressed } = digest;
  // Compressed files come first: they are a quarter of the bytes.
  const spellings = compressed ? [name] : idxSpellings(part).sort((a, b) => b.length - a.length);
  const file = await download({
    urls: spellings.map((spelling) => new URL(spelling, base).href),
    sha256,
    name,
    cacheDirectory,
    decode: compressed ? undefined : unpack,
  });
  const url = new URL(name, base).href;
  if (!compressed) return { name: url, bytes: file, sha256: sha256.toLowerCase() };
  const bytes = await unpack(file, url);
  return { name: url, bytes, sha256: await sha256Hex(bytes) };
}

/** Fetches the digests that a server publishes beside its files. */
async function remoteDigests(base: string): Promise<Record<string, string>> {
  const sums = await fetchBytes(new URL("SHA256SUMS", base).href);
  return sums === undefined ? {} : parseSha256Sums(new TextDecoder().decode(sums));
}

/**
 * Tells an address from a path.
 *
 * @param folder What was given as a folder.
 * @returns True for `http:` and `https:` addresses.
 */
export function isUrl(folder: string): boolean {
  return /^https?:\/\//i.test(folder);
}

/**
 * Reads the four files of a data set in MNIST's layout from a folder.
 *
 * @param folder Path of the folder.
 * @param sha256 Digests by file name; of the content, or of the `.gz` file under its own name.
 * @returns The files' content.
 * @throws {UserError} If a file is missing, cannot be read or decompressed, or a digest of a
 * compressed file is wrong. Digests of content are left to {@linkcode verifyContent}, so that a cut file
 * can be reported as cut.
 */
export async function readIdxFolder(
  folder: string,
  sha256: Readonly<Record<string, string>>,
): Promise<Record<IdxPart, IdxFile>> {
  const digests = digestsByPart(sha256, true);
  return await readParts((part) => readLocal(folder, part, digests.get(part)));
}

/**
 * Fetches the four files of a data set in MNIST's layout; each is verified before it is kept.
 *
 * @param url Address of the folder.
 * @param sha256 Digests by file name; if empty, those that the server publishes as `SHA256SUMS`, which
 * find damage but not fraud.
 * @param cacheDirectory Folder that downloads are kept in.
 * @returns The files' content.
 * @throws {UserError} If the address is not one, or a file has no digest, cannot be fetched or is not the right one.
 */
export async function fetchIdxFolder(
  url: string,
  sha256: Readonly<Record<string, string>>,
  cacheDirectory: string,
): Promise<Record<IdxPart, IdxFile>> {
  const base = url.endsWith("/") ? url : `${url}/`;
  if (!URL.canParse(base)) {
    throw new UserError(`Cannot download a data set: expected an http(s) address: found "${url}"`);
  }
  const given = Object.keys(sha256).length > 0;
  const digests = digestsByPart(given ? sha256 : await remoteDigests(base), given);
  return await readParts(async (part) => {
    const digest = digests.get(part);
    if (digest === undefined) {
      throw new UserError(
        `Cannot download "${new URL(idxName(part), base)}": expected a SHA-256 to verify it by, ` +
          `given or in SHA256SUMS beside it: found none`,
      );
    }
    return await fetchRemote(base, part, digest, cacheDirectory);
  });
}

/**
 * Checks files against the digests of their content.
 *
 * @param files The files as they were read.
 * @param sha256 Digests by file name; those of `.gz` files are passed over.
 * @throws {UserError} If a digest is another; says both.
 */
export function verifyContent(
  files: Readonly<Record<IdxPart, IdxFile>>,
  sha256: Readonly<Record<string, string>>,
): void {
  for (const [part, digest] of digestsByPart(sha256, true)) {
    const { name, sha256: found } = files[part];
    const expected = digest.sha256.toLowerCase();
    if (!digest.compressed && found !== expected) {
      throw new UserError(`Cannot verify "${name}": expected SHA-256 ${expected}: found ${found}`);
    }
  }
}
