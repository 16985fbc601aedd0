import type { KernelCase, KernelSpec, Numbers, RandomSource, ScalarType } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";

/** Sizes that a convolution is chosen by; the rest follows from them. */
export interface Conv2dShape {
  /** Networks that run side by side, each with weights of its own; 1 if left out. */
  readonly networks?: number;
  /** All networks read the same `x`. */
  readonly sharedInput?: boolean;
  /** Images of each network. */
  readonly batch: number;
  /** Convolutions side by side, each over its own share of the channels; 1 if left out. */
  readonly groups?: number;
  /** Channels of x. */
  readonly inChannels: number;
  /** Rows of x, padding not counted. */
  readonly inHeight: number;
  /** Columns of x, padding not counted. */
  readonly inWidth: number;
  /** Channels of y. */
  readonly outChannels: number;
  /** Rows of the kernel. */
  readonly kernelHeight: number;
  /** Columns of the kernel. */
  readonly kernelWidth: number;
  /** Of both axes; 1 if left out. */
  readonly stride?: number;
  /** Zeros on all four sides; 0 if left out. */
  readonly padding?: number;
}

/**
 * Gives the params of a convolution: the sizes of its output and the stride between networks.
 *
 * `outHeight = floor((inHeight + 2 padding - kernelHeight) / stride) + 1`, the width likewise.
 *
 * @param shape Sizes in elements.
 * @returns What every entry of the conv2d kernels takes.
 * @throws {RangeError} If a size is not a positive whole number, the kernel does not fit, or the
 *   groups do not divide the channels.
 *
 * @example A 3 x 3 convolution that keeps the size
 * ```ts
 * import assert from "node:assert/strict";
 * import { conv2dParams } from "./spec.ts";
 *
 * const params = conv2dParams({
 *   batch: 32, inChannels: 16, inHeight: 14, inWidth: 14, outChannels: 32,
 *   kernelHeight: 3, kernelWidth: 3, padding: 1,
 * });
 * assert.deepEqual([params.outHeight, params.outWidth], [14, 14]);
 * ```
 */
export function conv2dParams(shape: Conv2dShape): Numbers {
  const { networks = 1, groups = 1, sharedInput = false, stride = 1, padding = 0, ...sizes } =
    shape;
  const { batch, inChannels, inHeight, inWidth, outChannels, kernelHeight, kernelWidth } = sizes;
  for (const [name, size] of Object.entries({ networks, groups, stride, ...sizes })) {
    if (!Number.isInteger(size) || size < 1) {
      throw new RangeError(`Cannot convolve: ${name} must be a whole number from 1 on: ${size}`);
    }
  }
  if (!Number.isInteger(padding) || padding < 0) {
    throw new RangeError(`Cannot convolve: padding must be a whole number from 0 on: ${padding}`);
  }
  if (inChannels % groups !== 0 || outChannels % groups !== 0) {
    throw new RangeError(
      `Cannot convolve in ${groups} groups: they must divide the channels: of x they are ` +
        `${inChannels}, of the output ${outChannels}`,
    );
  }
  const outHeight = Math.floor((inHeight + 2 * padding - kernelHeight) / stride) + 1;
  const outWidth = Math.floor((inWidth + 2 * padding - kernelWidth) / stride) + 1;
  if (outHeight < 1 || outWidth < 1) {
    throw new RangeError(
      `Cannot convolve: the kernel must fit into the padded input: kernel is [${kernelHeight}, ` +
        `${kernelWidth}], padded input is [${inHeight + 2 * padding}, ${inWidth + 2 * padding}]`,
    );
  }
  return {
    networks,
    xStride: sharedInput || networks === 1 ? 0 : batch * inChannels * inHeight * inWidth,
    batch,
    groups,
    inChannels,
    inHeight,
    inWidth,
    outChannels,
    outHeight,
    outWidth,
    kernelHeight,
    kernelWidth,
    stride,
    padding,
  };
}

/** Sizes in `struct Params` of every file that convolves, in order. */
export const CONV2D_SIZES: Readonly<Record<string, ScalarType>> = {
  batch: "u32",
  groups: "u32",
  inChannels: "u32",
  inHeight: "u32",
  inWidth: "u32",
  outChannels: "u32",
  outHeight: "u32",
  outWidth: "u32",
  kernelHeight: "u32",
  kernelWidth: "u32",
  stride: "u32",
};

/** Fields of `struct Params` of a convolution as it is asked for. */
export const CONV2D_PARAMS: Readonly<Record<string, ScalarType>> = {
  networks: "u32",
  xStride: "u32",
  ...CONV2D_SIZES,
  padding: "u32",
};

/**
 * Counts the elements of one plane.
 *
 * @param p Params of the convolution.
 * @returns Those of x and of y.
 */
export function planes(p: Numbers): { readonly inPlane: number; readonly outPlane: number } {
  return { inPlane: p.inHeight * p.inWidth, outPlane: p.outHeight * p.outWidth };
}

/**
 * Gives the lengths of the tensors at the interface.
 *
 * @param p Params of the convolution.
 * @returns Elements by tensor name.
 */
export function conv2dLengths(p: Numbers): Numbers {
  const { inPlane, outPlane } = planes(p);
  const x = p.batch * p.inChannels * inPlane;
  const y = p.networks * p.batch * p.outChannels * outPlane;
  const taps = p.kernelHeight * p.kernelWidth;
  const weight = p.networks * p.outChannels * p.inChannels / p.groups * taps;
  const bias = p.networks * p.outChannels;
  const all = (p.networks - 1) * p.xStride + x;
  return { x: all, dx: p.networks * x, y, dy: y, weight, dw: weight, bias, db: bias };
}

/**
 * Counts the multiplications and additions of a product, those with padding included.
 *
 * @param p Params of the convolution.
 * @returns The same for the output and both gradients.
 */
export function conv2dFlops(p: Numbers): number {
  return 2 * p.networks * p.batch * p.outChannels * p.outHeight * p.outWidth * p.inChannels /
    p.groups * p.kernelHeight * p.kernelWidth;
}

/**
 * Bounds the rounding error of a sum of products of standard normal numbers: k roundings of partial
 * sums that grow like sqrt(k) themselves, k eps / sqrt(24), five of these.
 *
 * @param p Params of the convolution.
 * @param entry Which of the products.
 * @returns The tolerance of the kernel tests.
 */
export function conv2dTolerance(p: Numbers, entry: string): {
  readonly absolute: number;
  readonly relative: number;
} {
  const taps = p.kernelHeight * p.kernelWidth;
  const terms = {
    forward: p.inChannels * taps,
    forwardPooled: p.inChannels * taps,
    inputGradient: p.outChannels * taps,
  }[entry] ?? p.batch * p.outHeight * p.outWidth;
  return { absolute: 1.2e-7 * terms + 2e-6, relative: 1e-6 };
}

const square = (
  batch: number,
  inChannels: number,
  size: number,
  outChannels: number,
  kernel: number,
  rest: Partial<Conv2dShape> = {},
): KernelCase => ({
  params: conv2dParams({
    batch,
    inChannels,
    inHeight: size,
    inWidth: size,
    outChannels,
    kernelHeight: kernel,
    kernelWidth: kernel,
    ...rest,
  }),
});

const CASES: readonly KernelCase[] = [
  square(1, 1, 1, 1, 1),
  square(2, 1, 28, 16, 3, { padding: 1 }),
  { ...square(2, 16, 14, 9, 3, { padding: 1 }), constants: { RELU: 1 } },
  square(3, 3, 9, 5, 3),
  square(2, 4, 8, 8, 3, { padding: 1, inWidth: 13 }),
  square(2, 2, 12, 9, 3, { padding: 1, inHeight: 5, networks: 2 }),
  square(3, 2, 10, 3, 3, { padding: 1, inHeight: 7, networks: 2 }),
  square(2, 3, 6, 2, 3, { padding: 1, inHeight: 3, kernelHeight: 2 }),
  square(2, 2, 11, 3, 5, { padding: 2, stride: 2 }),
  square(1, 3, 12, 10, 4, { padding: 1, stride: 3, kernelWidth: 2 }),
  square(2, 9, 5, 17, 1),
  square(1, 2, 3, 2, 3, { padding: 3 }),
  square(2, 3, 7, 4, 3, { padding: 1, networks: 3 }),
  square(2, 3, 7, 9, 3, { padding: 1, networks: 2, sharedInput: true }),
  square(1, 130, 4, 2, 3, { padding: 1 }),
  square(2, 12, 6, 20, 3, { padding: 1, groups: 2, networks: 2 }),
  square(2, 6, 8, 6, 3, { padding: 1, groups: 6 }),
  square(1, 4, 16, 9, 3, { padding: 1, stride: 2, inHeight: 8 }),
  square(2, 3, 20, 4, 3, { padding: 1, stride: 2, inHeight: 7 }),
  square(1, 2, 32, 3, 3, { padding: 1, inHeight: 3 }),
  square(1, 2, 28, 3, 3, { padding: 1, inHeight: 5, networks: 2 }),
  square(1, 3, 42, 2, 3, { padding: 1, inHeight: 2 }),
];

function randomCase(random: RandomSource): KernelCase {
  const size = (from: number, to: number) => randomInteger(random, from, to);
  const groups = random() < 0.5 ? 1 : size(2, 3);
  const params = conv2dParams({
    networks: size(1, 2),
    sharedInput: random() < 0.5,
    batch: size(1, 3),
    groups,
    inChannels: groups * size(1, Math.floor(10 / groups)),
    inHeight: size(5, 18),
    inWidth: size(5, 18),
    outChannels: groups * size(1, Math.floor(18 / groups)),
    kernelHeight: size(1, 5),
    kernelWidth: size(1, 5),
    stride: size(1, 3),
    padding: size(0, 3),
  });
  return { params, constants: { RELU: size(0, 1) } };
}

/** What is the same for every variant: the cases, and the sizes worth timing. */
export const conv2dCases: Pick<KernelSpec<string>, "cases" | "randomCase" | "benchCases"> = {
  cases: CASES,
  randomCase,
  benchCases: [
    square(32, 1, 28, 16, 3, { padding: 1 }),
    square(32, 16, 14, 32, 3, { padding: 1 }),
    square(32, 64, 32, 64, 3, { padding: 1 }),
  ],
};
