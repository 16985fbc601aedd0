import {
  defineKernels,
  type EntrySpec,
  type Kernels,
  linearGrid,
  type Numbers,
} from "../../gpu/mod.ts";
import naiveSource from "./naive.wgsl" with { type: "text" };
import { eachPacked, packedLengths } from "./packing.ts";
import { conv2dReference } from "./reference.ts";
import registerSource from "./register_tiled.wgsl" with { type: "text" };
import { CONV2D_PARAMS, conv2dCases, conv2dFlops, conv2dLengths, conv2dTolerance } from "./spec.ts";

/** The entry points that every variant has. */
export type Conv2dEntry = "forward" | "inputGradient" | "inputGradientMasked";

const entry = (
  reads: readonly string[],
  writes: readonly string[],
  rest: Pick<EntrySpec, "workgroups" | "loopIterations">,
): EntrySpec => ({ reads, writes, flops: conv2dFlops, ...rest });

const line = (length: (p: Numbers) => number, terms: (p: Numbers) => number) => ({
  workgroups: (p: Numbers, { WORKGROUP_SIZE }: Numbers) => linearGrid(length(p), WORKGROUP_SIZE),
  loopIterations: terms,
});

const forX = line((p) => conv2dLengths(p).dx, (p) => p.outChannels * overTaps(p));

function overTaps({ kernelHeight, kernelWidth }: Numbers): number {
  return 1 + kernelHeight * (1 + kernelWidth);
}

/** One output an invocation: the baseline, right for every shape. */
export const naiveConv2dKernels: Kernels<Conv2dEntry | "weightGradient"> = defineKernels({
  ...conv2dCases,
  name: "conv2d",
  variant: "naive",
  file: "kernels/conv2d/naive.wgsl",
  source: naiveSource,
  params: CONV2D_PARAMS,
  constants: { RELU: 0, WORKGROUP_SIZE: 64 },
  lengths: conv2dLengths,
  entries: {
    forward: entry(
      ["x", "weight", "bias"],
      ["y"],
      line((p) => conv2dLengths(p).y, (p) => p.inChannels * overTaps(p)),
    ),
    inputGradient: entry(["dy", "weight"], ["dx"], forX),
    inputGradientMasked: entry(["dy", "weight", "mask"], ["dx"], forX),
    weightGradient: entry(
      ["x", "dy"],
      ["dw", "db"],
      line((p) => conv2dLengths(p).dw, (p) => p.batch * (1 + p.outHeight * (1 + p.outWidth))),
    ),
  },
  workgroups: (p, { WORKGROUP_SIZE }) => linearGrid(conv2dLengths(p).y, WORKGROUP_SIZE),
  tolerance: conv2dTolerance,
  reference: conv2dReference,
  gradients: [
    { output: "y", input: "x", seed: "dy", gradient: "dx", constants: { RELU: 0 } },
    { output: "y", input: "weight", seed: "dy", gradient: "dw", constants: { RELU: 0 } },
    { output: "y", input: "bias", seed: "dy", gradient: "db", constants: { RELU: 0 } },
  ],
  // the reference takes seconds beyond this, and the naive kernel too
  benchCases: conv2dCases.benchCases!.filter(({ params }) => conv2dFlops(params) < 1e8),
});

const TILE = { rows: 2, columns: 8, channels: 8 };

function tiles(
  { networks, batch }: Numbers,
  [channels, height, width]: readonly [number, number, number],
  { WORKGROUP_SIZE }: Numbers,
): readonly [number, number, number] {
  const [x, y] = linearGrid(
    batch * Math.ceil(channels / TILE.channels) * Math.ceil(height / TILE.rows) *
      Math.ceil(width / TILE.columns),
    WORKGROUP_SIZE,
  );
  return [x, y, networks];
}

const steps = (p: Numbers, channels: number): number =>
  1 + channels * (1 + Math.ceil(p.kernelWidth / 3) * (1 + p.kernelHeight));

const tiledForX: Pick<EntrySpec, "workgroups" | "loopIterations"> = {
  workgroups: (p, c) => tiles(p, [p.inChannels, p.inHeight, p.inWidth], c),
  loopIterations: (p) => steps(p, p.outChannels),
};

/**
 * Gives the constants that fit a convolution.
 *
 * @param p Params of the convolution.
 * @returns Constants of `registerConv2dKernels`; leaving them out is right too, and slower.
 */
export function registerConv2dConstants(p: Numbers): Numbers {
  const isSame = p.kernelWidth === 3 && p.padding === 1;
  const isAligned = p.stride === 1 && isSame && p.inWidth % 4 === 0 && p.xStride % 4 === 0;
  return { ALIGNED: isAligned ? 1 : 0, UNIT_STRIDE: p.stride === 1 ? 1 : 0 };
}

/** 2 x 8 outputs in 8 channels an invocation, from weights that `packConv2dKernels` laid out. */
export const registerConv2dKernels: Kernels<Conv2dEntry> = defineKernels({
  ...conv2dCases,
  name: "conv2d",
  variant: "register_tiled",
  file: "kernels/conv2d/register_tiled.wgsl",
  source: registerSource,
  params: CONV2D_PARAMS,
  constants: { ALIGNED: 0, RELU: 0, UNIT_STRIDE: 0, WORKGROUP_SIZE: 8 },
  lengths: (p) => ({ ...conv2dLengths(p), ...packedLengths(p) }),
  entries: {
    forward: entry(["x", "packed", "bias"], ["y"], {
      workgroups: (p, c) => tiles(p, [p.outChannels, p.outHeight, p.outWidth], c),
      loopIterations: (p) => steps(p, p.inChannels),
    }),
    inputGradient: entry(["dy", "turned"], ["dx"], tiledForX),
    inputGradientMasked: entry(["dy", "turned", "mask"], ["dx"], tiledForX),
  },
  workgroups: (p, c) => tiles(p, [p.outChannels, p.outHeight, p.outWidth], c),
  tolerance: conv2dTolerance,
  generate: {
    packed: (random, p) => packedAtRandom(random, p, false),
    turned: (random, p) => packedAtRandom(random, p, true),
  },
  reference(inputs, p, constants, name) {
    const weight = new Float64Array(conv2dLengths(p).weight);
    const turned = name !== "forward";
    const packed = turned ? inputs.turned : inputs.packed;
    eachPacked(p, turned, (from, to) => weight[to] = packed[from]);
    return conv2dReference({ ...inputs, weight }, p, constants, name);
  },
  cases: conv2dCases.cases.flatMap((kernelCase) => [
    kernelCase,
    {
      ...kernelCase,
      constants: { ...kernelCase.constants, ...registerConv2dConstants(kernelCase.params) },
    },
  ]),
  benchCases: conv2dCases.benchCases!.map(({ params }) => ({
    params,
    constants: registerConv2dConstants(params),
  })),
});

/** Weights in a layout, with zeros where the packing puts them. */
function packedAtRandom(random: () => number, p: Numbers, turned: boolean): Float64Array {
  const layout = new Float64Array(packedLengths(p)[turned ? "turned" : "packed"]);
  eachPacked(p, turned, (to) => layout[to] = 4 * random() - 2);
  return layout;
}
