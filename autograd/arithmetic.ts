import { type Device, reshape, run, sizeOf, type Tensor } from "../gpu/mod.ts";
import {
  BINARY,
  broadcastParams,
  broadcastShape,
  chooseReduce,
  elementwiseKernels,
  elementwiseParams,
  reduceParams,
  type Reduction,
  UNARY,
} from "../kernels/mod.ts";

/** Longest part of an axis that one invocation walks. */
const LONGEST_WALK = 4096;

function sameShape(a: Tensor, b: Tensor): boolean {
  return `${a.shape}` === `${b.shape}`;
}

/**
 * Combines two tensors element by element, with NumPy's broadcasting; not differentiable by itself.
 *
 * @param op Such as `add`.
 * @param a Any shape of up to 4 axes.
 * @param b A shape that broadcasts with it.
 * @param into Where to write; a new tensor if left out.
 * @returns The common shape.
 * @throws {RangeError} If the shapes do not broadcast.
 */
export function combine(op: keyof typeof BINARY, a: Tensor, b: Tensor, into?: Tensor): Tensor {
  const constants = { OP: BINARY[op] };
  const options = { constants, ...into && { into: { y: into } } };
  if (sameShape(a, b)) {
    const { y } = run(elementwiseKernels.binary, { a, b }, elementwiseParams(a.size), options);
    return reshape(y, a.shape);
  }
  const params = broadcastParams(a.shape, b.shape);
  const { y } = run(elementwiseKernels.broadcast, { a, b }, params, options);
  return reshape(y, broadcastShape(a.shape, b.shape));
}

/**
 * Applies a function of one number, element by element; not differentiable by itself.
 *
 * @param op Such as `exponential`.
 * @param x Any shape.
 * @returns The same shape.
 */
export function mapElements(op: keyof typeof UNARY, x: Tensor): Tensor {
  const options = { constants: { OP: UNARY[op] } };
  const { y } = run(elementwiseKernels.unary, { a: x }, elementwiseParams(x.size), options);
  return reshape(y, x.shape);
}

/**
 * Computes `scale * x + shift`; not differentiable by itself.
 *
 * @param x Any shape.
 * @param scale Factor.
 * @param shift Term.
 * @param into Where to write; a new tensor if left out.
 * @returns The same shape.
 */
export function affine(x: Tensor, scale: number, shift: number, into?: Tensor): Tensor {
  const params = elementwiseParams(x.size, scale, shift);
  const options = into && { into: { y: into } };
  return reshape(run(elementwiseKernels.affine, { a: x }, params, options).y, x.shape);
}

/**
 * Makes a tensor of one value by a kernel, so that a recording can hold it.
 *
 * @param device Where.
 * @param shape Sizes of the axes.
 * @param value Of every element.
 * @returns A tensor of the shape.
 */
export function fill(device: Device, shape: readonly number[], value: number): Tensor {
  const params = elementwiseParams(sizeOf(shape), 1, value);
  return reshape(run(elementwiseKernels.fill, {}, params, { device }).y, shape);
}

/**
 * Reduces one axis; not differentiable by itself. A long axis takes two dispatches.
 *
 * Sum, minimum and maximum are NaN where one of the numbers is.
 *
 * @param op What to reduce to.
 * @param x Any shape.
 * @param axis Which axis, counted from 0.
 * @returns The shape without that axis; for `argmax` of `u32`.
 * @throws {RangeError} If there is no such axis.
 */
export function reduceAxis(op: Reduction, x: Tensor, axis: number): Tensor {
  if (!(axis in x.shape)) {
    throw new RangeError(`Cannot reduce axis ${axis}: the tensor has ${x.shape.length} axes`);
  }
  const outer = sizeOf(x.shape.slice(0, axis));
  const inner = sizeOf(x.shape.slice(axis + 1));
  const rest = [...x.shape.slice(0, axis), ...x.shape.slice(axis + 1)];
  let length = x.shape[axis];
  let source = x;
  if (length > LONGEST_WALK && op !== "argmax") {
    const parts = Math.ceil(length / LONGEST_WALK);
    const params = reduceParams(outer, length, inner, parts);
    source = run(chooseReduce(x.device, params)[op], { x: source }, params).y;
    length = parts;
  }
  const params = reduceParams(outer, length, inner);
  const made = run(chooseReduce(x.device, params)[op], { x: source }, params);
  return reshape(made.y ?? made.indices, rest);
}
