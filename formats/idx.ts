import { cutShort, tooLong } from "./cut_short.ts";
import { UserError } from "./user_error.ts";

/** An array of bytes as an idx file holds it. */
export interface IdxArray {
  /** Sizes of the axes, slowest first; never empty. */
  readonly shape: readonly number[];
  /** Row-major values, `product(shape)` of them. */
  readonly data: Uint8Array;
}

/** The type code of unsigned bytes, the only element type that MNIST and its relatives use. */
const UNSIGNED_BYTE = 0x08;

/** What the other type codes of the format stand for. */
const OTHER_TYPES: Readonly<Record<number, string>> = {
  0x09: "signed bytes",
  0x0b: "16-bit integers",
  0x0c: "32-bit integers",
  0x0d: "32-bit floats",
  0x0e: "64-bit floats",
};

/**
 * Reads an idx file of unsigned bytes: what MNIST, Fashion-MNIST and their relatives come in.
 *
 * The header is two zero bytes, a type code, the rank, and one big-endian `u32` an axis; the values
 * follow in row-major order.
 *
 * @param bytes The whole file, not compressed.
 * @param name The file's name, for errors.
 * @returns Shape and values; the values are a view into `bytes`, not a copy.
 * @throws {UserError} If the file is not idx, holds another type, or is shorter or longer than its
 * header says.
 *
 * @example A 2 x 3 array
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeIdx, encodeIdx } from "./idx.ts";
 *
 * const file = encodeIdx({ shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) });
 * assert.deepEqual(decodeIdx(file, "six").shape, [2, 3]);
 * ```
 *
 * @see LeCun, Cortes, Burges 1998, The MNIST database of handwritten digits, "File formats"
 */
export function decodeIdx(bytes: Uint8Array, name: string): IdxArray {
  if (bytes.length < 4) throw cutShort(name, "idx header", bytes.length, 4);
  const [zeroA, zeroB, type, rank] = bytes;
  if (zeroA !== 0 || zeroB !== 0 || (type !== UNSIGNED_BYTE && !(type in OTHER_TYPES))) {
    const found = [...bytes.subarray(0, 4)].map((b) => b.toString(16).padStart(2, "0")).join(" ");
    throw new UserError(
      `Cannot decode "${name}": an idx file of unsigned bytes must begin with 00 00 08: ` +
        `found ${found}`,
    );
  }
  if (type !== UNSIGNED_BYTE) {
    throw new UserError(
      `Cannot decode "${name}": idx values must be unsigned bytes (type 0x08): ` +
        `found ${OTHER_TYPES[type]} (type 0x${type.toString(16).padStart(2, "0")})`,
    );
  }
  if (rank === 0) {
    throw new UserError(`Cannot decode "${name}": an idx array must have an axis: found rank 0`);
  }
  const start = 4 + 4 * rank;
  if (bytes.length < start) throw cutShort(name, "idx header", bytes.length, start);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const end = shape.reduce((product, size) => product * size, 1) + start;
  if (bytes.length < end) throw cutShort(name, "idx file", bytes.length, end);
  if (bytes.length > end) throw tooLong(name, "idx file", bytes.length, end);
  return { shape, data: bytes.subarray(start) };
}

/**
 * Writes unsigned bytes as an idx file; the inverse of {@linkcode decodeIdx}.
 *
 * @param array Shape of 1 to 255 axes and `product(shape)` values.
 * @returns The whole file, `4 + 4 * rank + product(shape)` bytes.
 * @throws {RangeError} If the shape does not fit the values or the format.
 */
export function encodeIdx({ shape, data }: IdxArray): Uint8Array<ArrayBuffer> {
  const fits = (size: number) => Number.isInteger(size) && size >= 0 && size < 2 ** 32;
  if (shape.length < 1 || shape.length > 255 || !shape.every(fits)) {
    throw new RangeError(
      `Cannot encode idx: shape must be 1 to 255 unsigned 32-bit sizes: found [${shape}]`,
    );
  }
  const size = shape.reduce((product, axis) => product * axis, 1);
  if (size !== data.length) {
    throw new RangeError(
      `Cannot encode idx: shape [${shape}] needs ${size} values: found ${data.length}`,
    );
  }
  const start = 4 + 4 * shape.length;
  const bytes = new Uint8Array(start + size);
  bytes.set([0, 0, UNSIGNED_BYTE, shape.length]);
  const view = new DataView(bytes.buffer);
  shape.forEach((axisSize, axis) => view.setUint32(4 + 4 * axis, axisSize));
  bytes.set(data, start);
  return bytes;
}
