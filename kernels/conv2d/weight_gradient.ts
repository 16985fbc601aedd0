import {
  defineKernels,
  type KernelCase,
  type Kernels,
  type KernelSpec,
  linearGrid,
  type Numbers,
  type ReferenceInputs,
} from "../../gpu/mod.ts";
import { conv2dReference } from "./reference.ts";
import { CONV2D_PARAMS, conv2dCases, conv2dFlops, conv2dLengths, conv2dTolerance } from "./spec.ts";
import source from "./weight_gradient.wgsl" with { type: "text" };
import vectorsSource from "./weight_gradient_vectors.wgsl" with { type: "text" };

/** Channels, stripes and taps of a tile of the general kernel, as the shader has them. */
const TILE = { channels: 16, stripes: 4, taps: 3 };
/** Channels of a tile of the kernel for whole vectors. */
const VECTOR_CHANNELS = 8;

/** Invocations that keep an adapter busy: a few dozen for each of its lanes. */
const WANTED = { software: 512, gpu: 32_768 };

/** Iterations of an invocation, of the 60,000 that a dispatch may loop. */
const MAX_STEPS = 40_000;

const partialLength = (p: Numbers): number => conv2dLengths(p).dw + conv2dLengths(p).db;
const linesOf = (p: Numbers): number => p.batch * p.outHeight;
const stepsOfLine = (p: Numbers): number => Math.ceil(p.outWidth / 2) + 1;
const vectorsOf = (p: Numbers): number => p.batch * p.outHeight * p.outWidth / 4;

function tilesOf(p: Numbers): number {
  return p.groups * Math.ceil(p.outChannels / p.groups / TILE.channels) *
    Math.ceil(p.inChannels / p.groups * p.kernelHeight / TILE.stripes) *
    Math.ceil(p.kernelWidth / TILE.taps);
}

function vectorTilesOf(p: Numbers, { STRIPES }: Numbers): number {
  return p.groups * Math.ceil(p.outChannels / p.groups / VECTOR_CHANNELS) *
    Math.ceil(p.inChannels / p.groups * p.kernelHeight / STRIPES);
}

/** Whether `vectorWeightGradientKernels` can walk a plane as one line. */
function isFlat(p: Numbers): boolean {
  return p.stride === 1 && p.kernelWidth === 3 && p.padding === 1 && p.outHeight === p.inHeight &&
    p.outWidth >= 4 && p.outWidth % 2 === 0 && p.outHeight * p.outWidth % 4 === 0;
}

function lineConstants({ stride, outWidth }: Numbers): Numbers {
  return { UNIT_STRIDE: stride === 1 ? 1 : 0, EVEN_WIDTH: outWidth % 2 === 0 ? 1 : 0 };
}

/** Into how many parts to split `length` things, each walked in `steps`, for `tiles` tiles. */
function splitsOf(length: number, steps: number, tiles: number, isSoftware: boolean): number {
  const wanted = (isSoftware ? WANTED.software : WANTED.gpu) / tiles;
  const share = Math.max(1, Math.floor(length / Math.max(1, wanted, length * steps / MAX_STEPS)));
  return Math.ceil(length / share);
}

/** Params and constants of `vectorWeightGradientKernels` that fit a convolution. */
function flatPlan(isSoftware: boolean, p: Numbers): Omit<ChosenWeightGradient, "kernels"> {
  const constants = { STRIPES: p.inChannels / p.groups * p.kernelHeight <= 3 ? 3 : 12 };
  const tiles = vectorTilesOf(p, constants) * p.networks;
  return { params: { ...p, splits: splitsOf(vectorsOf(p), 1, tiles, isSoftware) }, constants };
}

/** Kernels, params and constants that fit a convolution. */
export interface ChosenWeightGradient {
  /** Has the entry `partial`; `sum` is the one of `weightGradientKernels`. */
  readonly kernels: Kernels<"partial">;
  /** Params of both: those of the convolution, and `splits`. */
  readonly params: Numbers;
  /** Constants of `partial`. */
  readonly constants: Numbers;
}

/**
 * Chooses how to compute a weight gradient.
 *
 * @param isSoftware True for an adapter that runs on a processor.
 * @param p Params of the convolution.
 * @returns Kernels and what they take.
 */
export function chooseWeightGradient(isSoftware: boolean, p: Numbers): ChosenWeightGradient {
  if (isFlat(p)) return { kernels: vectorWeightGradientKernels, ...flatPlan(isSoftware, p) };
  const splits = splitsOf(linesOf(p), stepsOfLine(p), tilesOf(p) * p.networks, isSoftware);
  return {
    kernels: weightGradientKernels,
    params: { ...p, splits },
    constants: lineConstants(p),
  };
}

/** Partial sums over parts of dy: those whose number, counted by `partOf`, belong to a split. */
function partialReference(
  inputs: ReferenceInputs,
  p: Numbers,
  partOf: (element: number) => number,
): Record<string, Float64Array> {
  const length = partialLength(p);
  const partials = new Float64Array(p.splits * length);
  for (let split = 0; split < p.splits; split++) {
    const own = inputs.dy.map((value, i) => partOf(i) === split ? value : 0);
    const gradient = conv2dReference({ ...inputs, dy: own }, p, {}, "weightGradient");
    partials.set(gradient.dw, split * length);
    partials.set(gradient.db, split * length + gradient.dw.length);
  }
  return { partials };
}

/** Counts the elements of the images of one network of dy. */
function elementsOf(p: Numbers): number {
  return p.batch * p.outChannels * p.outHeight * p.outWidth;
}

const lengths = (p: Numbers): Numbers => {
  const partials = p.splits * partialLength(p);
  return { ...conv2dLengths(p), partials, parts: partials };
};

const tolerance: KernelSpec<string>["tolerance"] = (p, entry) =>
  entry === "sum"
    ? { absolute: 1e-6 * p.splits, relative: 1e-6 }
    : conv2dTolerance(p, "weightGradient");

/** A case with 1, 2, 5 or all splits of `length`, in turn. */
function splitCase({ params }: KernelCase, i: number, length: number): Numbers {
  return { ...params, splits: Math.min([1, 2, 5, length][i % 4], length, 28) };
}

/** The weight and bias gradient in two steps: `partial` sums, and their `sum`. */
export const weightGradientKernels: Kernels<"partial" | "sum"> = defineKernels({
  name: "conv2d_weight_gradient",
  variant: "register_tiled",
  file: "kernels/conv2d/weight_gradient.wgsl",
  source,
  params: { ...CONV2D_PARAMS, splits: "u32" },
  constants: { EVEN_WIDTH: 0, UNIT_STRIDE: 0, WORKGROUP_SIZE: 8 },
  lengths,
  entries: {
    partial: {
      reads: ["x", "dy"],
      writes: ["partials"],
      flops: conv2dFlops,
      workgroups: (p, { WORKGROUP_SIZE }) => {
        const [x, y] = linearGrid(tilesOf(p) * p.splits, WORKGROUP_SIZE);
        return [x, y, p.networks];
      },
      loopIterations: (p) => Math.ceil(linesOf(p) / p.splits) * stepsOfLine(p) + 40,
    },
    sum: {
      reads: ["parts"],
      writes: ["dw", "db"],
      flops: (p) => p.splits * partialLength(p),
      loopIterations: (p) => p.splits,
    },
  },
  workgroups: (p, { WORKGROUP_SIZE }) => linearGrid(partialLength(p), WORKGROUP_SIZE),
  tolerance,
  reference(inputs, p, _, entry) {
    if (entry === "sum") {
      const total = new Float64Array(partialLength(p));
      inputs.parts.forEach((value, i) => total[i % total.length] += value);
      const { dw } = conv2dLengths(p);
      return { dw: total.subarray(0, dw), db: total.subarray(dw) };
    }
    const share = Math.ceil(linesOf(p) / p.splits);
    return partialReference(inputs, p, (i) => {
      const image = Math.floor(i % elementsOf(p) / (elementsOf(p) / p.batch));
      const line = Math.floor(i / p.outWidth) % p.outHeight;
      return Math.floor((image * p.outHeight + line) / share);
    });
  },
  cases: conv2dCases.cases.map((conv, i) => ({
    params: splitCase(conv, i, linesOf(conv.params)),
    constants: i % 2 === 0 ? {} : lineConstants(conv.params),
  })),
});

/** The `partial` sums for convolutions that keep the size, by whole vectors. */
export const vectorWeightGradientKernels: Kernels<"partial"> = defineKernels({
  name: "conv2d_weight_gradient",
  variant: "vectors",
  file: "kernels/conv2d/weight_gradient_vectors.wgsl",
  source: vectorsSource,
  params: { ...CONV2D_PARAMS, splits: "u32" },
  constants: { STRIPES: 12, WORKGROUP_SIZE: 8 },
  lengths,
  entries: {
    partial: {
      reads: ["x", "dy"],
      writes: ["partials"],
      flops: conv2dFlops,
      loopIterations: (p) => 2 * Math.ceil(vectorsOf(p) / p.splits) + 40,
    },
  },
  workgroups: (p, c) => {
    const [x, y] = linearGrid(vectorTilesOf(p, c) * p.splits, c.WORKGROUP_SIZE);
    return [x, y, p.networks];
  },
  tolerance,
  reference(inputs, p) {
    const share = Math.ceil(vectorsOf(p) / p.splits);
    const plane = p.outHeight * p.outWidth;
    return partialReference(inputs, p, (i) => {
      const image = Math.floor(i % elementsOf(p) / (elementsOf(p) / p.batch));
      return Math.floor((image * plane + i % plane) / 4 / share);
    });
  },
  cases: conv2dCases.cases.filter(({ params }) => isFlat(params)).flatMap((conv, i) =>
    [3, 12].map((STRIPES) => ({
      params: splitCase(conv, i + STRIPES, vectorsOf(conv.params)),
      constants: { STRIPES },
    }))
  ),
  benchCases: conv2dCases.benchCases!.map(({ params }) => flatPlan(true, params)),
});
