import { UserError } from "../formats/mod.ts";
import { verifySha256 } from "./sha256.ts";

/** Told how much of a download has come. */
export type DownloadProgress = (name: string, received: number, total: number) => void;

/** A large file to fetch, and how to know that it is the right one. */
export interface LargeFile {
  /** An `http:` or `https:` address. */
  readonly url: string;
  /** Bytes that it has. */
  readonly size: number;
  /** Digest that it must have, 64 hexadecimal digits. */
  readonly sha256: string;
}

/** How to fetch a large file. */
export interface ResumableOptions {
  /** Where what has come is kept until it is all there and used; its folder exists. */
  readonly path: string;
  /** Told whenever more has come. */
  readonly onProgress?: DownloadProgress;
}

/** A server that sends nothing for so long will send nothing more. */
const SILENCE_MS = 60_000;
/** How often a broken connection is taken up again within one call. */
const ATTEMPTS = 5;

async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

async function removeIfThere(path: string): Promise<void> {
  await Deno.remove(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

/** Bytes that the whole file has by what the server says, if it does. */
function statedSize(response: Response): number | undefined {
  const header = response.status === 206
    ? response.headers.get("content-range")?.match(/\/(\d+)$/)?.[1]
    : response.headers.get("content-length");
  return header ? Number(header) : undefined;
}

/** The file that the server has is not the one that was asked for: what has come of it is no use. */
class WrongFileError extends UserError {}

async function checkAnswer({ url, size }: LargeFile, response: Response): Promise<void> {
  const { status } = response;
  const found = statedSize(response);
  if ((status === 200 || status === 206) && (found === undefined || found === size)) return;
  await response.body?.cancel();
  if (status === 200 || status === 206) {
    throw new WrongFileError(
      `Cannot download "${url}": expected ${size} bytes: the server has ${found}`,
    );
  }
  throw new UserError(
    `Cannot download "${url}": expected HTTP status 200: found ${status}`,
  );
}

/** Appends what the server sends to what is there; ends early where the connection breaks. */
async function takeOn(file: LargeFile, { path, onProgress }: ResumableOptions): Promise<void> {
  const { url, size } = file;
  const name = new URL(url).pathname.split("/").at(-1)!;
  const before = await sizeOf(path);
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const response = await fetch(url, {
      signal: silence.signal,
      // a range is one of the bytes as they are stored, which compression on the way would change
      headers: {
        "accept-encoding": "identity",
        ...before > 0 && { range: `bytes=${before}-` },
      },
    });
    await checkAnswer(file, response);
    // 200 instead of 206: the server knows no ranges and begins at the beginning
    const isRest = response.status === 206;
    let received = isRest ? before : 0;
    using output = await Deno.open(path, { write: true, create: true, truncate: !isRest });
    await output.seek(received, Deno.SeekMode.Start);
    for await (const part of response.body ?? []) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      received += part.length;
      if (received > size) {
        throw new WrongFileError(
          `Cannot download "${url}": expected ${size} bytes: the server sent more`,
        );
      }
      for (let written = 0; written < part.length;) {
        written += await output.write(part.subarray(written));
      }
      onProgress?.(name, received, size);
    }
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Fetches a large file, and goes on where an earlier call or a broken connection has left off.
 *
 * What has come stays at `path` until the caller removes it, also after a failure, unless it turned
 * out to be the wrong file. Needs the permissions to read and write there and to reach the server.
 *
 * @param file What to fetch and how to verify it.
 * @param options Where to keep it, and whom to tell.
 * @returns The verified content.
 * @throws {UserError} If the server cannot be reached or breaks off again and again, or what it has is
 *   not the right file.
 * @see Fielding et al. 2022, RFC 9110, section 14
 */
export async function downloadResumably(
  file: LargeFile,
  options: ResumableOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { url, size, sha256 } = file;
  const { path } = options;
  if (await sizeOf(path) > size) await removeIfThere(path);
  let reason = "";
  for (let attempt = 0; attempt < ATTEMPTS && await sizeOf(path) < size; attempt++) {
    try {
      await takeOn(file, options);
      reason = "the connection was closed early";
    } catch (error) {
      if (error instanceof WrongFileError) await removeIfThere(path);
      if (error instanceof UserError || error instanceof Deno.errors.NotCapable) throw error;
      reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    }
  }
  const received = await sizeOf(path);
  if (received < size) {
    throw new UserError(
      `Cannot download "${url}": ${received} of ${size} bytes have come: ${reason}; the same ` +
        "command goes on from there",
    );
  }
  const bytes = await Deno.readFile(path);
  try {
    await verifySha256(bytes, sha256, url);
  } catch (error) {
    await removeIfThere(path);
    throw error;
  }
  return bytes;
}
