import { UserError } from "../formats/mod.ts";

/**
 * Computes a SHA-256 digest.
 *
 * @param bytes Any content.
 * @returns 64 hexadecimal digits in lower case.
 *
 * @see NIST 2015, FIPS 180-4, doi:10.6028/NIST.FIPS.180-4
 */
export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Checks content against the digest it must have.
 *
 * @param bytes The content.
 * @param expected 64 hexadecimal digits.
 * @param name The file's name, for errors.
 * @returns The digest, in lower case.
 * @throws {UserError} If the digest is another; says both.
 */
export async function verifySha256(
  bytes: Uint8Array<ArrayBuffer>,
  expected: string,
  name: string,
): Promise<string> {
  const found = await sha256Hex(bytes);
  if (found !== expected.toLowerCase()) {
    throw new UserError(
      `Cannot verify "${name}": expected SHA-256 ${expected.toLowerCase()}: found ${found}`,
    );
  }
  return found;
}

/**
 * Reads a list of digests as `sha256sum` writes it.
 *
 * @param text One `DIGEST  NAME` a line; other lines are passed over.
 * @returns Digests by file name.
 */
export function parseSha256Sums(text: string): Record<string, string> {
  const lines = text.matchAll(/^([0-9a-fA-F]{64})[ \t]+\*?(.+?)\r?$/gm);
  return Object.fromEntries(Array.from(lines, ([, digest, name]) => [name, digest.toLowerCase()]));
}
