import { cutShort } from "./cut_short.ts";
import { UserError } from "./user_error.ts";

/** Headers and contents both fill whole blocks of so many bytes. */
const BLOCK = 512;
/** Where a header keeps its checksum: 8 bytes, which count as spaces in the sum. */
const CHECKSUM = { offset: 148, length: 8 };

/** Text up to the first zero byte. */
function text(field: Uint8Array): string {
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

/** A number in octal digits, between spaces and zero bytes. */
function octal(field: Uint8Array): number {
  return parseInt(text(field).trim() || "0", 8);
}

function checkHeader(header: Uint8Array, at: number, name: string): void {
  const sum = header.reduce((total, byte, i) => {
    const isChecksum = i >= CHECKSUM.offset && i < CHECKSUM.offset + CHECKSUM.length;
    return total + (isChecksum ? 0x20 : byte);
  }, 0);
  const stated = octal(header.subarray(CHECKSUM.offset, CHECKSUM.offset + CHECKSUM.length));
  if (sum !== stated) {
    throw new UserError(
      `Cannot decode "${name}": the header at byte ${at} must have checksum ${sum}: found ${stated}`,
    );
  }
}

/**
 * Lists the regular files of a tar archive; folders, links and extended headers are passed over.
 *
 * @param bytes The archive, not compressed.
 * @param name The archive's name, for errors.
 * @returns Content by path, as views into `bytes`.
 * @throws {UserError} If the archive is cut, or a header is damaged.
 * @see IEEE Std 1003.1-2017, pax, "ustar Interchange Format"
 */
export function decodeTar(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
): Map<string, Uint8Array<ArrayBuffer>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  let at = 0;
  while (at < bytes.length && bytes[at] !== 0) {
    const header = bytes.subarray(at, at + BLOCK);
    if (header.length < BLOCK) throw cutShort(name, "archive", bytes.length, at + BLOCK);
    checkHeader(header, at, name);
    const begin = at + BLOCK;
    const end = begin + octal(header.subarray(124, 136));
    if (end > bytes.length) throw cutShort(name, "archive", bytes.length, end);
    const type = String.fromCharCode(header[156]);
    if (type === "0" || type === "\0") {
      const isUstar = text(header.subarray(257, 263)).startsWith("ustar");
      const prefix = isUstar ? text(header.subarray(345, 500)) : "";
      const path = text(header.subarray(0, 100));
      files.set(prefix === "" ? path : `${prefix}/${path}`, bytes.subarray(begin, end));
    }
    at = begin + Math.ceil((end - begin) / BLOCK) * BLOCK;
  }
  return files;
}
