import { defineKernels, type Kernels, linearGrid, type Numbers } from "../../gpu/mod.ts";
import { conv2dReference } from "./reference.ts";
import {
  CONV2D_PARAMS,
  conv2dCases,
  conv2dFlops,
  conv2dLengths,
  conv2dTolerance,
  planes,
} from "./spec.ts";
import source from "./weight_gradient.wgsl" with { type: "text" };

/** Channels, stripes and taps of a tile, as the shader has them. */
const TILE = { channels: 16, stripes: 4, taps: 3 };

/** Invocations that keep an adapter busy: a few dozen for each of its lanes. */
const WANTED = { software: 512, gpu: 32_768 };

/** A line of outputs takes a quarter of its width in iterations; a dispatch may loop 60,000 times. */
const MAX_STEPS = 40_000;

function tilesOf(p: Numbers): number {
  return Math.ceil(p.outChannels / TILE.channels) *
    Math.ceil(p.inChannels * p.kernelHeight / TILE.stripes) *
    Math.ceil(p.kernelWidth / TILE.taps);
}

const linesOf = (p: Numbers): number => p.batch * p.outHeight;
const stepsOfLine = (p: Numbers): number => Math.ceil(p.outWidth / 2) + 1;

/**
 * Adds to the params of a convolution into how many partial sums its weight gradient is split.
 *
 * @param p Params of the convolution.
 * @param isSoftware True for an adapter that runs on a processor.
 * @returns Params of `weightGradientKernels`.
 */
export function splitWeightGradient(p: Numbers, isSoftware: boolean): Numbers {
  const lines = linesOf(p);
  const wanted = (isSoftware ? WANTED.software : WANTED.gpu) / (tilesOf(p) * p.networks);
  const needed = lines * stepsOfLine(p) / MAX_STEPS;
  const share = Math.max(1, Math.floor(lines / Math.max(1, wanted, needed)));
  return { ...p, splits: Math.ceil(lines / share) };
}

const partialLength = (p: Numbers): number => conv2dLengths(p).dw + conv2dLengths(p).db;

/**
 * Gives the constants that fit a convolution.
 *
 * @param p Params of the convolution.
 * @returns Constants of `weightGradientKernels.partial`; leaving them out is right too, and slower.
 */
export function weightGradientConstants({ stride, outWidth }: Numbers): Numbers {
  return { UNIT_STRIDE: stride === 1 ? 1 : 0, EVEN_WIDTH: outWidth % 2 === 0 ? 1 : 0 };
}

/** The weight and bias gradient in two steps: `partial` sums, and their `sum`. */
export const weightGradientKernels: Kernels<"partial" | "sum"> = defineKernels({
  name: "conv2d_weight_gradient",
  variant: "register_tiled",
  file: "kernels/conv2d/weight_gradient.wgsl",
  source,
  params: { ...CONV2D_PARAMS, splits: "u32" },
  constants: { EVEN_WIDTH: 0, UNIT_STRIDE: 0, WORKGROUP_SIZE: 8 },
  lengths: (p) => {
    const partials = p.splits * partialLength(p);
    return { ...conv2dLengths(p), partials, parts: partials };
  },
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
  tolerance: (p, entry) =>
    entry === "sum"
      ? { absolute: 1e-6 * p.splits, relative: 1e-6 }
      : conv2dTolerance(p, "weightGradient"),
  reference(inputs, p, constants, entry) {
    const length = partialLength(p);
    const { dw } = conv2dLengths(p);
    if (entry === "sum") {
      const total = new Float64Array(length);
      inputs.parts.forEach((value, i) => total[i % length] += value);
      return { dw: total.subarray(0, dw), db: total.subarray(dw) };
    }
    const partials = new Float64Array(p.splits * length);
    const share = Math.ceil(linesOf(p) / p.splits);
    const { outPlane } = planes(p);
    const lineOf = (i: number) =>
      Math.floor(i / (p.outChannels * outPlane)) % p.batch * p.outHeight +
      Math.floor(i % outPlane / p.outWidth);
    for (let split = 0; split < p.splits; split++) {
      const own = inputs.dy.map((value, i) => Math.floor(lineOf(i) / share) === split ? value : 0);
      const gradient = conv2dReference({ ...inputs, dy: own }, p, constants, "weightGradient");
      partials.set(gradient.dw, split * length);
      partials.set(gradient.db, split * length + dw);
    }
    return { partials };
  },
  cases: conv2dCases.cases.flatMap(({ params }, i) => {
    const lines = linesOf(params);
    const splits = [1, 2, Math.min(5, lines), lines][i % 4];
    const constants = i % 2 === 0 ? {} : weightGradientConstants(params);
    return [{ params: { ...params, splits: Math.min(splits, lines, 28) }, constants }];
  }),
  benchCases: conv2dCases.benchCases!.map(({ params }) => ({
    params: splitWeightGradient(params, true),
    constants: weightGradientConstants(params),
  })),
});
