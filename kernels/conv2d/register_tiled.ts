import {
  defineKernels,
  type EntrySpec,
  type Grid,
  type Kernels,
  linearGrid,
  type Numbers,
  type RandomSource,
} from "../../gpu/mod.ts";
import inputGradientSource from "./input_gradient.wgsl" with { type: "text" };
import { eachPacked, packedLengths } from "./packing.ts";
import { conv2dReference, poolReference } from "./reference.ts";
import registerSource from "./register_tiled.wgsl" with { type: "text" };
import { CONV2D_PARAMS, conv2dCases, conv2dFlops, conv2dLengths, conv2dTolerance } from "./spec.ts";

const TILE = { rows: 2, columns: 8, channels: 8 };

function tiles(
  { networks, batch }: Numbers,
  [channels, height, width]: readonly [number, number, number],
  { WORKGROUP_SIZE }: Numbers,
): Grid {
  const [x, y] = linearGrid(
    batch * Math.ceil(channels / TILE.channels) * Math.ceil(height / TILE.rows) *
      Math.ceil(width / TILE.columns),
    WORKGROUP_SIZE,
  );
  return [x, y, networks];
}

const tilesOfX = (p: Numbers, c: Numbers): Grid =>
  tiles(p, [p.inChannels, p.inHeight, p.inWidth], c);
const tilesOfY = (p: Numbers, c: Numbers): Grid =>
  tiles(p, [p.outChannels, p.outHeight, p.outWidth], c);

const steps = (p: Numbers, channels: number): number =>
  1 + channels * (1 + Math.ceil(p.kernelWidth / 3) * (1 + p.kernelHeight));

const entry = (
  reads: readonly string[],
  writes: readonly string[],
  loopIterations: (p: Numbers) => number,
): EntrySpec => ({ reads, writes, flops: conv2dFlops, loopIterations });

/**
 * Gives the constants that fit a convolution.
 *
 * @param p Params of the convolution.
 * @returns UNIT_STRIDE and VECTORS of `registerConv2dKernels` and `inputGradientKernels`; leaving
 *   them out is right too, and slower.
 */
export function registerConv2dConstants(p: Numbers): Numbers {
  const isSame = p.stride === 1 && p.kernelWidth === 3 && p.padding === 1;
  const vectors = [4, 2].find((size) => p.inWidth % size === 0) ?? 0;
  return { UNIT_STRIDE: p.stride === 1 ? 1 : 0, VECTORS: isSame ? vectors : 0 };
}

/** Weights in a layout, with zeros where the packing puts them. */
function packedAtRandom(random: RandomSource, p: Numbers, turned: boolean): Float64Array {
  const layout = new Float64Array(packedLengths(p)[turned ? "turned" : "packed"]);
  eachPacked(p, turned, (to) => layout[to] = 4 * random() - 2);
  return layout;
}

function unpacked(layout: Float64Array, p: Numbers, turned: boolean): Float64Array {
  const weight = new Float64Array(conv2dLengths(p).weight);
  eachPacked(p, turned, (from, to) => weight[to] = layout[from]);
  return weight;
}

/** 2 x 8 outputs in 8 channels an invocation, from weights that `packConv2dKernels` laid out. */
export const registerConv2dKernels: Kernels<"forward" | "forwardPooled"> = defineKernels({
  name: "conv2d",
  variant: "register_tiled",
  file: "kernels/conv2d/register_tiled.wgsl",
  source: registerSource,
  params: CONV2D_PARAMS,
  constants: { RELU: 0, UNIT_STRIDE: 0, VECTORS: 0, WORKGROUP_SIZE: 8 },
  lengths: (p) => {
    const pooled = p.networks * p.batch * p.outChannels * Math.floor(p.outHeight / 2) *
      Math.floor(p.outWidth / 2);
    return { ...conv2dLengths(p), ...packedLengths(p), pooled, argmax: pooled };
  },
  entries: {
    forward: entry(["x", "packed", "bias"], ["y"], (p) => steps(p, p.inChannels)),
    forwardPooled: entry(
      ["x", "packed", "bias"],
      ["pooled", "argmax"],
      (p) => steps(p, p.inChannels),
    ),
  },
  workgroups: tilesOfY,
  tolerance: conv2dTolerance,
  generate: { packed: (random, p) => packedAtRandom(random, p, false) },
  reference({ packed, ...inputs }, p, constants, name) {
    const weight = unpacked(packed, p, false);
    const { y } = conv2dReference({ ...inputs, weight }, p, constants, "forward");
    return name === "forward" ? { y } : poolReference(y, p, constants);
  },
  cases: conv2dCases.cases.flatMap(({ params, constants }) => {
    const entries = params.outHeight < 2 || params.outWidth < 2 ? ["forward"] : undefined;
    const fitting = { ...constants, ...registerConv2dConstants(params) };
    return [{ params, constants, entries }, { params, constants: fitting, entries }];
  }),
  benchCases: conv2dCases.benchCases!.map(({ params }) => ({
    params,
    constants: registerConv2dConstants(params),
  })),
});

/** The gradient to the input, tiled the same way, from weights turned by `packConv2dKernels`. */
export const inputGradientKernels: Kernels<"inputGradient" | "inputGradientMasked"> = defineKernels(
  {
    name: "conv2d",
    variant: "register_tiled",
    file: "kernels/conv2d/input_gradient.wgsl",
    source: inputGradientSource,
    params: CONV2D_PARAMS,
    constants: { UNIT_STRIDE: 0, VECTORS: 0, WORKGROUP_SIZE: 8 },
    lengths: (p) => ({ ...conv2dLengths(p), ...packedLengths(p) }),
    entries: {
      inputGradient: entry(["dy", "turned"], ["dx"], (p) => steps(p, p.outChannels)),
      inputGradientMasked: entry(
        ["dy", "turned", "mask"],
        ["dx"],
        (p) => steps(p, p.outChannels),
      ),
    },
    workgroups: tilesOfX,
    tolerance: conv2dTolerance,
    generate: { turned: (random, p) => packedAtRandom(random, p, true) },
    reference({ turned, ...inputs }, p, constants, name) {
      return conv2dReference({ ...inputs, weight: unpacked(turned, p, true) }, p, constants, name);
    },
    cases: conv2dCases.cases.flatMap(({ params }) => [
      { params },
      { params, constants: registerConv2dConstants(params) },
    ]),
    randomCase: (random) => ({ params: conv2dCases.randomCase!(random).params }),
    benchCases: conv2dCases.benchCases!.map(({ params }) => ({
      params,
      constants: registerConv2dConstants(params),
    })),
  },
);
