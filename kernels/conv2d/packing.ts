import { defineKernels, type Kernels, linearGrid, type Numbers } from "../../gpu/mod.ts";
import source from "./pack.wgsl" with { type: "text" };
import { conv2dCases } from "./spec.ts";
import { forwardParams, inputGradientParams, tiledLengths } from "./tiled_params.ts";

/** Channels of a block and taps of a run, as the shaders number them. */
const BLOCK = 8;
const RUN = 3;

/** Fields of `struct Params`: those of `TILED_PARAMS` that a layout depends on. */
const PACK_PARAMS = {
  networks: "u32",
  groups: "u32",
  inChannels: "u32",
  outChannels: "u32",
  kernelHeight: "u32",
  kernelWidth: "u32",
} as const;

/** Elements of a block of output channels: its bias, then its weights. */
function blockLength(t: Numbers): number {
  return BLOCK * (1 + t.inChannels * Math.ceil(t.kernelWidth / RUN) * RUN * t.kernelHeight);
}

/**
 * Gives the length of packed weights, padding to whole blocks and runs included.
 *
 * @param t Fields of `TILED_PARAMS`.
 * @returns Elements.
 */
export function packedLength(t: Numbers): number {
  return t.networks * t.groups * Math.ceil(t.outChannels / BLOCK) * blockLength(t);
}

/**
 * Picks the params of `packConv2dKernels`.
 *
 * @param t Fields of `TILED_PARAMS`.
 * @returns Those of them that the layout depends on.
 */
export function packParams(t: Numbers): Numbers {
  return Object.fromEntries(Object.keys(PACK_PARAMS).map((name) => [name, t[name]]));
}

/**
 * Tells where the bias and the weights of every channel stand among the packed ones; elements that
 * none names are 0.
 *
 * @param t Fields of `TILED_PARAMS`.
 * @param placeBias Called with a place and the index of a bias.
 * @param placeWeight Called with a place and an index of the logical weights
 *   `[networks, groups outChannels, inChannels, kernelHeight, kernelWidth]`.
 */
export function eachPacked(
  t: Numbers,
  placeBias: (packed: number, bias: number) => void,
  placeWeight: (packed: number, weight: number) => void,
): void {
  const { inChannels, outChannels, kernelHeight, kernelWidth } = t;
  const blocks = Math.ceil(outChannels / BLOCK);
  const runs = Math.ceil(kernelWidth / RUN);
  let weight = 0;
  for (let channel = 0; channel < t.networks * t.groups * outChannels; channel++) {
    const o = channel % outChannels;
    const block = Math.floor(channel / outChannels) * blocks + Math.floor(o / BLOCK);
    const start = block * blockLength(t) + o % BLOCK;
    placeBias(start, channel);
    for (let k = 0; k < inChannels; k++) {
      for (let ky = 0; ky < kernelHeight; ky++) {
        for (let kx = 0; kx < kernelWidth; kx++) {
          const line = (k * runs + Math.floor(kx / RUN)) * kernelHeight + ky;
          placeWeight(start + (1 + line * RUN + kx % RUN) * BLOCK, weight++);
        }
      }
    }
  }
}

/** The weights of the convolution that goes back: channels exchanged, kernels turned around. */
function turned(weight: Float64Array, t: Numbers): Float64Array {
  const taps = t.kernelHeight * t.kernelWidth;
  return weight.map((_, i) => {
    const tap = i % taps;
    const k = Math.floor(i / taps) % t.inChannels;
    const channel = Math.floor(i / (taps * t.inChannels));
    const group = Math.floor(channel / t.outChannels);
    const plane = (group * t.inChannels + k) * t.outChannels + channel % t.outChannels;
    return weight[plane * taps + taps - 1 - tap];
  });
}

/** Lays weights and bias out for `registerConv2dKernels`; `inputGradient` turns the weights. */
export const packConv2dKernels: Kernels<"forward" | "forwardBias" | "inputGradient"> =
  defineKernels({
    name: "conv2d_pack",
    file: "kernels/conv2d/pack.wgsl",
    source,
    params: PACK_PARAMS,
    constants: { WORKGROUP_SIZE: 64 },
    lengths: (t) => {
      const { weight, bias } = tiledLengths({ ...t, batch: 0, outHeight: 0, outWidth: 0 });
      return { weight, bias, packed: packedLength(t) };
    },
    entries: {
      forward: { reads: ["weight"], writes: ["packed"], flops: () => 0 },
      forwardBias: { reads: ["weight", "bias"], writes: ["packed"], flops: () => 0 },
      inputGradient: { reads: ["weight"], writes: ["packed"], flops: () => 0 },
    },
    workgroups: (t, { WORKGROUP_SIZE }) => linearGrid(packedLength(t), WORKGROUP_SIZE),
    tolerance: "exact",
    reference({ weight, bias }, t, _, entry) {
      const packed = new Float64Array(packedLength(t));
      const values = entry === "inputGradient" ? turned(weight, t) : weight;
      eachPacked(
        t,
        (to, from) => packed[to] = entry === "forwardBias" ? bias[from] : 0,
        (to, from) => packed[to] = values[from],
      );
      return { packed };
    },
    cases: conv2dCases.cases.flatMap(({ params }) => [
      { params: packParams(forwardParams(params)) },
      { params: packParams(inputGradientParams(params)), entries: ["inputGradient"] },
    ]),
    randomCase: (random) => ({
      params: packParams(forwardParams(conv2dCases.randomCase!(random).params)),
    }),
    benchCases: conv2dCases.benchCases!.map(({ params }) => ({
      params: packParams(forwardParams(params)),
    })),
  });
