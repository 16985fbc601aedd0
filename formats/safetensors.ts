import { readSafetensorsHeader } from "./safetensors_header.ts";
import {
  elementBytes,
  isSafetensorsDtype,
  type Safetensors,
  type SafetensorsTensor,
  tensorFromBytes,
} from "./safetensors_types.ts";

const utf8 = new TextEncoder();

/** Compares as UTF-8 bytes do, which is not how JavaScript compares beyond the basic plane. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return a.length - b.length;
}

/** Orders tensors as the reference implementation does: wide elements first, so all stay aligned. */
function inFileOrder(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
): (readonly [string, SafetensorsTensor])[] {
  const order = Object.keys(elementBytes);
  return [...tensors]
    .map(([name, tensor]) => ({ name, tensor, key: utf8.encode(name) }))
    .sort((a, b) =>
      order.indexOf(a.tensor.dtype) - order.indexOf(b.tensor.dtype) || compareBytes(a.key, b.key)
    )
    .map(({ name, tensor }) => [name, tensor]);
}

function checkTensor(name: string, { dtype, shape, data }: SafetensorsTensor): void {
  const where = `Cannot encode tensor "${name}"`;
  if (name === "__metadata__") {
    throw new RangeError(`${where}: the format keeps this name for its metadata`);
  }
  if (!isSafetensorsDtype(dtype)) {
    throw new TypeError(`${where}: dtype must be one of ${Object.keys(elementBytes)}: ${dtype}`);
  }
  if (data.BYTES_PER_ELEMENT !== elementBytes[dtype]) {
    throw new TypeError(
      `${where}: ${dtype} must have ${elementBytes[dtype]} bytes an element: ` +
        `${data.constructor.name} has ${data.BYTES_PER_ELEMENT}`,
    );
  }
  const size = shape.reduce((product, axis) => product * axis, 1);
  if (size !== data.length) {
    throw new RangeError(`${where}: shape [${shape}] needs ${size} values: found ${data.length}`);
  }
}

/**
 * Writes tensors as a safetensors file, byte for byte as the reference implementation would: a `u64`
 * header length, a JSON header padded with spaces to a multiple of 8 bytes, then the tensors, wide
 * elements first and by name among equals.
 *
 * @param tensors Tensors by name.
 * @param metadata Free text by key, written in the order given.
 * @returns The whole file.
 * @throws {RangeError} If a shape does not fit its values, or a tensor is named `__metadata__`.
 * @throws {TypeError} If an array is not of the width its dtype says.
 *
 * @example One tensor, there and back
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";
 *
 * const bias = { dtype: "F32", shape: [2], data: Float32Array.of(0.5, -1) } as const;
 * const file = encodeSafetensors(new Map([["bias", bias]]), { epoch: "3" });
 * const { tensors, metadata } = decodeSafetensors(file, "bias.safetensors");
 * assert.deepEqual(tensors.get("bias"), bias);
 * assert.equal(metadata.epoch, "3");
 * ```
 *
 * @see Hugging Face 2022, safetensors, "Format": https://github.com/huggingface/safetensors
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const ordered = inFileOrder(tensors);
  let end = 0;
  const places = ordered.map(([name, tensor]) => {
    checkTensor(name, tensor);
    const { dtype, shape, data } = tensor;
    const begin = end;
    end += data.byteLength;
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const hasMetadata = Object.keys(metadata).length > 0;
  // Written pair by pair: an object would move names that look like integers to the front.
  const pairs = [...(hasMetadata ? [["__metadata__", metadata] as const] : []), ...places]
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const json = utf8.encode(`{${pairs.join(",")}}`);
  const headerLength = Math.ceil(json.length / 8) * 8;
  const dataStart = 8 + headerLength;

  const bytes = new Uint8Array(dataStart + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.set(json, 8);
  bytes.fill(0x20, 8 + json.length, dataStart);
  let position = dataStart;
  for (const [, { data }] of ordered) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

/**
 * Reads a safetensors file: what checkpoints and pretrained weights come in.
 *
 * @param bytes The whole file.
 * @param name The file's name, for errors.
 * @returns Tensors by name in the order of their bytes, each owning its memory, and the metadata.
 * @throws {UserError} If the file is cut, too long, or not what its header says.
 *
 * @see Hugging Face 2022, safetensors, "Format": https://github.com/huggingface/safetensors
 */
export function decodeSafetensors(bytes: Uint8Array, name: string): Safetensors {
  const { entries, metadata, dataStart } = readSafetensorsHeader(bytes, name);
  const tensors = new Map(
    entries.map(({ name: tensorName, dtype, shape, begin, end }) => [
      tensorName,
      tensorFromBytes(dtype, shape, bytes.subarray(dataStart + begin, dataStart + end)),
    ]),
  );
  return { tensors, metadata };
}
