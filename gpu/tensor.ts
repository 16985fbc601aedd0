import type { Device } from "./device.ts";
import { formatShape } from "./format.ts";

/** What the elements of a tensor are; `u32` also holds packed bytes. */
export type DType = "f32" | "u32" | "i32";

/** Host memory that a tensor is made from and read back into. */
export type HostArray =
  | Float32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>;

/** The memory behind a tensor and all views of it; owned by a scope, a program or the device. */
export interface Storage {
  /** Size in bytes, a multiple of 16. */
  readonly bytes: number;
  /** The buffer; absent while a program that is being recorded has not planned its memory. */
  buffer: GPUBuffer | undefined;
  /** Set when the owner let go: nothing may read or write it any more. */
  released: boolean;
  /** True for memory that exists only inside a recorded program. */
  readonly planned: boolean;
  /** True for planned memory that later steps of its program reuse: nobody else may look at it. */
  transient: boolean;
}

/** A frozen handle on row-major numbers in GPU memory. */
export interface Tensor {
  /** Where it lives. */
  readonly device: Device;
  /** Sizes of the axes, outermost first; `[]` is a scalar. */
  readonly shape: readonly number[];
  /** Count of elements: the product of the shape. */
  readonly size: number;
  /** What its elements are. */
  readonly dtype: DType;
  /** The memory behind it, which views share. */
  readonly storage: Storage;
  /** Where the first element stands in the storage, in elements. */
  readonly offset: number;
}

/** Every byte offset of a binding must be a multiple of this many 4-byte elements. */
export const BINDING_ALIGNMENT = 64;

/**
 * Counts the elements of a shape.
 *
 * @param shape Sizes of the axes.
 * @returns Their product; 1 for `[]`.
 */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}

function checkShape(shape: readonly number[]): void {
  if (!shape.every((axis) => Number.isInteger(axis) && axis >= 0)) {
    throw new RangeError(
      `Cannot make a tensor: sizes must be whole numbers: shape is ${formatShape(shape)}`,
    );
  }
}

function dtypeOf(data: HostArray): DType {
  return data instanceof Float32Array ? "f32" : data instanceof Uint32Array ? "u32" : "i32";
}

/**
 * Makes a tensor whose content is undefined until something writes it.
 *
 * @param device Where it lives.
 * @param shape Sizes of the axes.
 * @param dtype Kind of element.
 * @returns A tensor of the shape, owned by the innermost scope.
 * @throws {OutOfMemoryError} If it does not fit.
 */
export function empty(device: Device, shape: readonly number[], dtype: DType = "f32"): Tensor {
  checkShape(shape);
  const size = sizeOf(shape);
  const storage = device.allocate(Math.max(16, Math.ceil(size / 4) * 16));
  return Object.freeze({
    device,
    shape: Object.freeze([...shape]),
    size,
    dtype,
    storage,
    offset: 0,
  });
}

/**
 * Makes a tensor of zeros.
 *
 * @param device Where it lives.
 * @param shape Sizes of the axes.
 * @param dtype Kind of element.
 * @returns A tensor of the shape, all elements 0.
 * @throws {TypeError} If a program is being recorded: its memory is reused between steps.
 */
export function zeros(device: Device, shape: readonly number[], dtype: DType = "f32"): Tensor {
  const made = empty(device, shape, dtype);
  device.clear(made);
  return made;
}

/**
 * Uploads numbers from the host.
 *
 * @param device Where it lives.
 * @param data Elements in row-major order; their class decides the dtype.
 * @param shape Sizes of the axes; the length of `data` if left out.
 * @returns A tensor with those elements.
 * @throws {RangeError} If the shape does not hold exactly the elements given.
 */
export function tensor(
  device: Device,
  data: HostArray | readonly number[],
  shape: readonly number[] = [data.length],
): Tensor {
  const array = Array.isArray(data) ? new Float32Array(data) : data as HostArray;
  const dtype = dtypeOf(array);
  if (sizeOf(shape) !== array.length) {
    throw new RangeError(
      `Cannot make a tensor of shape ${formatShape(shape)}: it holds ${sizeOf(shape)} elements: ` +
        `${array.length} were given`,
    );
  }
  const made = empty(device, shape, dtype);
  device.upload(made, array);
  return made;
}

/**
 * Writes new numbers into a tensor that exists.
 *
 * @param target The tensor to overwrite.
 * @param data As many elements as it has, of its dtype.
 * @throws {RangeError} If the counts or the dtypes differ.
 */
export function write(target: Tensor, data: HostArray): void {
  if (data.length !== target.size) {
    throw new RangeError(
      `Cannot write ${data.length} elements into a tensor of shape ${formatShape(target.shape)}`,
    );
  }
  if (dtypeOf(data) !== target.dtype) {
    throw new RangeError(
      `Cannot write ${data.constructor.name} into a tensor of ${target.dtype}`,
    );
  }
  target.device.upload(target, data);
}

/**
 * Looks at a tensor under another shape, without moving anything.
 *
 * @param source The tensor.
 * @param shape Sizes whose product is the tensor's size.
 * @returns A view of the same memory.
 * @throws {RangeError} If the sizes differ.
 */
export function reshape(source: Tensor, shape: readonly number[]): Tensor {
  if (sizeOf(shape) !== source.size) {
    throw new RangeError(
      `Cannot reshape: sizes must be equal: from ${formatShape(source.shape)} to ` +
        formatShape(shape),
    );
  }
  return Object.freeze({ ...source, shape: Object.freeze([...shape]) });
}

/**
 * Looks at a run of consecutive elements of a tensor.
 *
 * A kernel that writes a tensor may also write its padding, up to the next multiple of 4 elements:
 * lay out slices that are written so that nothing else stands there.
 *
 * @param source The tensor.
 * @param offset First element, a multiple of 64 (WebGPU binds at multiples of 256 bytes).
 * @param shape Shape of the view.
 * @returns A view of the same memory.
 * @throws {RangeError} If the run leaves the tensor, or starts where WebGPU cannot bind.
 */
export function slice(source: Tensor, offset: number, shape: readonly number[]): Tensor {
  const size = sizeOf(shape);
  if (offset < 0 || offset + size > source.size) {
    throw new RangeError(
      `Cannot slice ${size} elements at ${offset}: tensor of shape ${formatShape(source.shape)} ` +
        `has ${source.size}`,
    );
  }
  if ((source.offset + offset) % BINDING_ALIGNMENT !== 0) {
    throw new RangeError(
      `Cannot slice at element ${source.offset + offset}: WebGPU binds at multiples of ` +
        `${BINDING_ALIGNMENT} elements`,
    );
  }
  return Object.freeze({
    ...source,
    shape: Object.freeze([...shape]),
    size,
    offset: source.offset + offset,
  });
}
