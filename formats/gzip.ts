import { UserError } from "./user_error.ts";

/** Passes bytes through a web-standard (de)compression stream. */
async function pipe(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(
    await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer(),
  );
}

/**
 * Tells whether a file is gzip by its first two bytes, whatever its name says.
 *
 * @param bytes The file, or its beginning.
 * @returns True for gzip.
 *
 * @see Deutsch 1996, RFC 1952, section 2.3.1
 */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Decompresses a gzip file; its CRC-32 and length are checked on the way.
 *
 * @param bytes The whole compressed file.
 * @param name The file's name, for errors.
 * @returns The content.
 * @throws {UserError} If the file is not gzip, is cut, or its checksum is wrong.
 *
 * @see Deutsch 1996, RFC 1952
 */
export async function gunzip(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!isGzip(bytes)) {
    const found = [...bytes.subarray(0, 2)].map((b) => b.toString(16).padStart(2, "0")).join(" ");
    throw new UserError(
      `Cannot decompress "${name}": gzip must begin with 1f 8b: found ${found || "no bytes"}`,
    );
  }
  try {
    return await pipe(bytes, new DecompressionStream("gzip"));
  } catch (cause) {
    throw new UserError(
      `Cannot decompress "${name}": expected one whole gzip file: found ${bytes.length} bytes ` +
        `that are cut or corrupt`,
      { cause },
    );
  }
}

/**
 * Compresses bytes as a gzip file; the inverse of {@linkcode gunzip}.
 *
 * @param bytes Any content.
 * @returns The compressed file.
 */
export function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return pipe(bytes, new CompressionStream("gzip"));
}
