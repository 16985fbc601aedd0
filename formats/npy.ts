import { cutShort, tooLong } from "./cut_short.ts";
import { UserError } from "./user_error.ts";

/** An array as a NumPy `.npy` file holds it; the class of `data` tells the element type. */
export interface NpyArray {
  /** Sizes of the axes; empty for a scalar. */
  readonly shape: readonly number[];
  /** Row-major values, `product(shape)` of them. */
  readonly data:
    | Float32Array
    | Float64Array
    | BigInt64Array
    | Int32Array
    | Uint16Array
    | Uint8Array;
}

const arrays: Readonly<
  Record<string, { BYTES_PER_ELEMENT: number; new (buffer: ArrayBuffer): NpyArray["data"] }>
> = {
  "<f4": Float32Array,
  "<f8": Float64Array,
  "<i8": BigInt64Array,
  "<i4": Int32Array,
  "<u2": Uint16Array,
  "|u1": Uint8Array,
};

const MAGIC = "\x93NUMPY";

/** Reads the fixed part of the header: where its text begins and ends. */
function headerSpan(bytes: Uint8Array, name: string): [number, number] {
  if (bytes.length < 12) throw cutShort(name, "npy header", bytes.length, 12);
  const magic = String.fromCharCode(...bytes.subarray(0, 6));
  if (magic !== MAGIC) {
    throw new UserError(
      `Cannot decode "${name}": an npy file must begin with ${JSON.stringify(MAGIC)}: ` +
        `found ${JSON.stringify(magic)}`,
    );
  }
  const version = bytes[6];
  if (version < 1 || version > 3) {
    throw new UserError(`Cannot decode "${name}": npy version must be 1, 2 or 3: found ${version}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = version === 1 ? 10 : 12;
  const end = start + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (bytes.length < end) throw cutShort(name, "npy header", bytes.length, end);
  return [start, end];
}

/**
 * Reads a NumPy `.npy` file of `f4`, `f8`, `i8`, `i4`, `u2` or `u1` in C order.
 *
 * @param bytes The whole file.
 * @param name The file's name, for errors.
 * @returns Shape and values; the values own their memory.
 * @throws {UserError} If the file is not npy, holds another type or Fortran order, or is shorter or
 * longer than its header says.
 *
 * @see Kern 2007, NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays"
 */
export function decodeNpy(bytes: Uint8Array, name: string): NpyArray {
  const [start, dataStart] = headerSpan(bytes, name);
  const header = new TextDecoder().decode(bytes.subarray(start, dataStart)).trim();
  const descr = header.match(/'descr':\s*'([^']*)'/)?.[1];
  const fortran = header.match(/'fortran_order':\s*(True|False)/)?.[1];
  const sizes = header.match(/'shape':\s*\(([\d,\s]*)\)/)?.[1];
  if (descr === undefined || fortran === undefined || sizes === undefined) {
    throw new UserError(
      `Cannot decode "${name}": the header must give descr, fortran_order and shape: ` +
        `found ${JSON.stringify(header)}`,
    );
  }
  if (!Object.hasOwn(arrays, descr)) {
    throw new UserError(
      `Cannot decode "${name}": dtype must be one of ${Object.keys(arrays).join(", ")}: ` +
        `found ${descr}`,
    );
  }
  const shape = sizes.split(",").filter((size) => size.trim() !== "").map(Number);
  if (fortran === "True") {
    throw new UserError(
      `Cannot decode "${name}": the array must be in C order: found Fortran order`,
    );
  }
  const Values = arrays[descr];
  const end = shape.reduce((product, size) => product * size, Values.BYTES_PER_ELEMENT) + dataStart;
  if (bytes.length < end) throw cutShort(name, "npy file", bytes.length, end);
  if (bytes.length > end) throw tooLong(name, "npy file", bytes.length, end);
  return { shape, data: new Values(new Uint8Array(bytes.subarray(dataStart)).buffer) };
}
