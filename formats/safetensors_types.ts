/** The typed array that holds each element type; 16-bit floats stay as their raw bits. */
export interface SafetensorsArrays {
  /** 64-bit unsigned integers. */
  readonly U64: BigUint64Array<ArrayBuffer>;
  /** 64-bit signed integers. */
  readonly I64: BigInt64Array<ArrayBuffer>;
  /** 64-bit floats. */
  readonly F64: Float64Array<ArrayBuffer>;
  /** 32-bit floats. */
  readonly F32: Float32Array<ArrayBuffer>;
  /** 32-bit unsigned integers. */
  readonly U32: Uint32Array<ArrayBuffer>;
  /** 32-bit signed integers. */
  readonly I32: Int32Array<ArrayBuffer>;
  /** bfloat16, as raw bits. */
  readonly BF16: Uint16Array<ArrayBuffer>;
  /** IEEE 754 binary16, as raw bits. */
  readonly F16: Uint16Array<ArrayBuffer>;
  /** 16-bit unsigned integers. */
  readonly U16: Uint16Array<ArrayBuffer>;
  /** 16-bit signed integers. */
  readonly I16: Int16Array<ArrayBuffer>;
  /** Signed bytes. */
  readonly I8: Int8Array<ArrayBuffer>;
  /** Unsigned bytes. */
  readonly U8: Uint8Array<ArrayBuffer>;
  /** Booleans, one byte each. */
  readonly BOOL: Uint8Array<ArrayBuffer>;
}

/** The element types that can be read and written. */
export type SafetensorsDtype = keyof SafetensorsArrays;

/** A tensor of one element type as a safetensors file holds it. */
export interface SafetensorsTensorOf<D extends SafetensorsDtype> {
  /** Element type. */
  readonly dtype: D;
  /** Sizes of the axes; empty for a scalar. */
  readonly shape: readonly number[];
  /** Row-major values, `product(shape)` of them. */
  readonly data: SafetensorsArrays[D];
}

/** A tensor of any element type; `dtype` tells which. */
export type SafetensorsTensor = { [D in SafetensorsDtype]: SafetensorsTensorOf<D> }[
  SafetensorsDtype
];

/** What a safetensors file holds. */
export interface Safetensors {
  /** Tensors by name, in the order of their bytes in the file. */
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
  /** Free text by key; empty if the file has none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes of one element. Listed as the reference implementation orders tensors in a file. */
export const elementBytes: Readonly<Record<SafetensorsDtype, number>> = {
  U64: 8,
  I64: 8,
  F64: 8,
  F32: 4,
  U32: 4,
  I32: 4,
  BF16: 2,
  F16: 2,
  U16: 2,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/**
 * Tells whether a word names an element type that can be read and written.
 *
 * @param word Any word, such as the `dtype` of a header.
 * @returns True for `F32`, `U8` and the others of {@linkcode SafetensorsArrays}.
 */
export function isSafetensorsDtype(word: unknown): word is SafetensorsDtype {
  return typeof word === "string" && Object.hasOwn(elementBytes, word);
}

/**
 * Copies bytes into a tensor.
 *
 * @param dtype Element type.
 * @param shape Sizes of the axes.
 * @param bytes Little-endian values, `product(shape)` elements; any alignment.
 * @returns The tensor, which owns its memory.
 */
export function tensorFromBytes(
  dtype: SafetensorsDtype,
  shape: readonly number[],
  bytes: Uint8Array,
): SafetensorsTensor {
  const { buffer } = new Uint8Array(bytes);
  switch (dtype) {
    case "U64":
      return { dtype, shape, data: new BigUint64Array(buffer) };
    case "I64":
      return { dtype, shape, data: new BigInt64Array(buffer) };
    case "F64":
      return { dtype, shape, data: new Float64Array(buffer) };
    case "F32":
      return { dtype, shape, data: new Float32Array(buffer) };
    case "U32":
      return { dtype, shape, data: new Uint32Array(buffer) };
    case "I32":
      return { dtype, shape, data: new Int32Array(buffer) };
    case "BF16":
    case "F16":
    case "U16":
      return { dtype, shape, data: new Uint16Array(buffer) };
    case "I16":
      return { dtype, shape, data: new Int16Array(buffer) };
    case "I8":
      return { dtype, shape, data: new Int8Array(buffer) };
    case "U8":
    case "BOOL":
      return { dtype, shape, data: new Uint8Array(buffer) };
  }
}
