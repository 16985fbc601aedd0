import {
  defineKernels,
  type KernelCase,
  type Kernels,
  linearGrid,
  type Numbers,
  type RandomSource,
} from "../../gpu/mod.ts";
import { eachPacked, packedLength } from "./packing.ts";
import { poolReference, rectified, tiledReference } from "./reference.ts";
import source from "./register_tiled.wgsl" with { type: "text" };
import { conv2dCases, conv2dTolerance } from "./spec.ts";
import { forwardParams, inputGradientParams, TILED_PARAMS, tiledLengths } from "./tiled_params.ts";

const TILE = { rows: 2, columns: 16, channels: 8, taps: 3 };

/** How rows are read, as the shader numbers it. */
const LOAD = { ANY: 0, UNIT: 1, VECTORS: 2, FOURTEEN: 3, HALVING: 4, SPREADING: 5 };

/**
 * Gives the constants that fit a convolution.
 *
 * @param t Params of the kernels.
 * @returns LOAD and COLUMNS of `registerConv2dKernels`; leaving them out is right too, and slower.
 */
export function registerConv2dConstants(t: Numbers): Numbers {
  const isUnit = t.stride === 1 && t.spread === 1;
  const isSame = t.kernelWidth === 3 && t.columnPadding === 1;
  const fitsVectors = isSame && t.inWidth % 4 === 0;
  // a second half that is empty costs more than twice the tiles
  const wide = Math.ceil(t.outWidth / 8) % 2 === 0 ? 16 : 8;
  if (isUnit && isSame && t.inWidth % 14 === 0) return { LOAD: LOAD.FOURTEEN, COLUMNS: 14 };
  if (isUnit && fitsVectors) return { LOAD: LOAD.VECTORS, COLUMNS: wide };
  if (fitsVectors && t.stride === 2 && t.spread === 1) return { LOAD: LOAD.HALVING, COLUMNS: 8 };
  if (fitsVectors && t.stride === 1 && t.spread === 2) return { LOAD: LOAD.SPREADING, COLUMNS: 16 };
  return { LOAD: isUnit ? LOAD.UNIT : LOAD.ANY, COLUMNS: 8 };
}

function flops(t: Numbers): number {
  return 2 * tiledLengths(t).result * t.inChannels * t.kernelHeight * t.kernelWidth;
}

function loopIterations({ inChannels, kernelHeight, kernelWidth }: Numbers): number {
  return inChannels * (1 + Math.ceil(kernelWidth / TILE.taps) * (1 + kernelHeight));
}

/** Packed weights and bias as a test wants them: random, with zeros where the packing has them. */
function packedAtRandom(random: RandomSource, t: Numbers): Float64Array {
  const packed = new Float64Array(packedLength(t));
  const place = (to: number) => packed[to] = 4 * random() - 2;
  eachPacked(t, place, place);
  return packed;
}

function unpacked(packed: Float64Array, t: Numbers): Record<string, Float64Array> {
  const lengths = tiledLengths(t);
  const weight = new Float64Array(lengths.weight);
  const bias = new Float64Array(lengths.bias);
  eachPacked(t, (from, to) => bias[to] = packed[from], (from, to) => weight[to] = packed[from]);
  return { weight, bias };
}

/** The entries that an output allows. */
function entriesOf({ outHeight, outWidth }: Numbers): string[] {
  const pooled = outHeight >= 2 && outWidth >= 2 ? ["forwardPooled"] : [];
  return [outWidth % 2 === 0 ? "forward" : "forwardOdd", ...pooled];
}

/** Both directions of a convolution, with and without the constants that fit them. */
function tiledCases({ params, constants = {} }: KernelCase): KernelCase[] {
  return [forwardParams(params), inputGradientParams(params)].flatMap((t) => {
    const entries = entriesOf(t);
    const fitting = { ...constants, ...registerConv2dConstants(t) };
    return [{ params: t, constants, entries }, { params: t, constants: fitting, entries }];
  });
}

/**
 * Up to 2 x 16 outputs in 8 channels an invocation, from what `packConv2dKernels` laid out: the
 * output of a convolution, and the gradient to its input.
 */
export const registerConv2dKernels: Kernels<"forward" | "forwardOdd" | "forwardPooled"> =
  defineKernels({
    name: "conv2d",
    variant: "register_tiled",
    file: "kernels/conv2d/register_tiled.wgsl",
    source,
    params: TILED_PARAMS,
    constants: { LOAD: LOAD.ANY, COLUMNS: 8, RELU: 0, WORKGROUP_SIZE: 8 },
    lengths: (t) => ({ ...tiledLengths(t), weights: packedLength(t) }),
    entries: {
      forward: { reads: ["source", "weights"], writes: ["result"], flops, loopIterations },
      forwardOdd: {
        reads: ["source", "weights"],
        writes: ["odd"],
        flops,
        loopIterations: (t) => loopIterations(t) + 2 * TILE.channels * TILE.columns,
      },
      forwardPooled: {
        reads: ["source", "weights"],
        writes: ["pooled", "argmax"],
        flops,
        loopIterations,
      },
    },
    workgroups: (t, { COLUMNS, WORKGROUP_SIZE }) => {
      const tiles = t.batch * t.groups * Math.ceil(t.outChannels / TILE.channels) *
        Math.ceil(t.outHeight / TILE.rows) * Math.ceil(t.outWidth / COLUMNS);
      const [x, y] = linearGrid(tiles, WORKGROUP_SIZE);
      return [x, y, t.networks];
    },
    tolerance: (t) => conv2dTolerance(t, "forward"),
    generate: { weights: packedAtRandom },
    reference({ source: x, weights }, t, constants, entry) {
      const y = tiledReference({ source: x, ...unpacked(weights, t) }, t);
      if (entry === "forward") return { result: rectified(y, constants) };
      if (entry === "forwardOdd") return { odd: rectified(y, constants) };
      return poolReference(y, t, constants);
    },
    cases: conv2dCases.cases.flatMap(tiledCases),
    randomCase(random) {
      const { params, constants } = conv2dCases.randomCase!(random);
      const t = random() < 0.5 ? forwardParams(params) : inputGradientParams(params);
      const fitting = random() < 0.5 ? {} : registerConv2dConstants(t);
      return { params: t, constants: { ...constants, ...fitting }, entries: entriesOf(t) };
    },
    benchCases: conv2dCases.benchCases!.map(({ params }) => {
      const t = forwardParams(params);
      return { params: t, constants: registerConv2dConstants(t) };
    }),
  });
