import { defineKernels, type Kernels, linearGrid, type Numbers } from "../../gpu/mod.ts";
import source from "./pack.wgsl" with { type: "text" };
import { CONV2D_PARAMS, conv2dCases, conv2dLengths } from "./spec.ts";

/** Channels of a block and taps of a run, as the shaders number them. */
const BLOCK = 8;
const RUN = 3;

/** Channels that a layout holds in blocks, and those that it sums over. */
function axes(p: Numbers, turned: boolean): { readonly lanes: number; readonly sums: number } {
  return turned
    ? { lanes: p.inChannels, sums: p.outChannels }
    : { lanes: p.outChannels, sums: p.inChannels };
}

/**
 * Gives the lengths of the two layouts, padding to whole blocks and runs included.
 *
 * @param p Params of the convolution.
 * @returns Elements of `packed` and of `turned`.
 */
export function packedLengths(p: Numbers): { readonly packed: number; readonly turned: number } {
  const length = (turned: boolean) => {
    const { lanes, sums } = axes(p, turned);
    return p.networks * Math.ceil(lanes / BLOCK) * sums * Math.ceil(p.kernelWidth / RUN) *
      p.kernelHeight * RUN * BLOCK;
  };
  return { packed: length(false), turned: length(true) };
}

/**
 * Tells where each weight stands in a layout; elements of the layout that none names are 0.
 *
 * @param p Params of the convolution.
 * @param turned False for the forward pass, true for the gradient of the input.
 * @param place Called with an index of the layout and one of the weights.
 */
export function eachPacked(
  p: Numbers,
  turned: boolean,
  place: (packed: number, weight: number) => void,
): void {
  const { lanes, sums } = axes(p, turned);
  const runs = Math.ceil(p.kernelWidth / RUN);
  const blocks = Math.ceil(lanes / BLOCK);
  const taps = p.kernelHeight * p.kernelWidth;
  let weight = 0;
  for (let filter = 0; filter < p.networks * p.outChannels; filter++) {
    for (let i = 0; i < p.inChannels; i++) {
      const network = Math.floor(filter / p.outChannels);
      const o = filter % p.outChannels;
      const [lane, k] = turned ? [i, o] : [o, i];
      const plane = (network * blocks + Math.floor(lane / BLOCK)) * sums + k;
      for (let tap = 0; tap < taps; tap++) {
        const at = turned ? taps - 1 - tap : tap;
        const ky = Math.floor(at / p.kernelWidth);
        const kx = at % p.kernelWidth;
        const line = (plane * runs + Math.floor(kx / RUN)) * p.kernelHeight + ky;
        place((line * RUN + kx % RUN) * BLOCK + lane % BLOCK, weight++);
      }
    }
  }
}

/** Lays weights out for `registerConv2dKernels`: `packed` for its forward pass, `turned` for dx. */
export const packConv2dKernels: Kernels<"forward" | "inputGradient"> = defineKernels({
  name: "conv2d_pack",
  file: "kernels/conv2d/pack.wgsl",
  source,
  params: CONV2D_PARAMS,
  constants: { WORKGROUP_SIZE: 64 },
  lengths: (p) => ({ weight: conv2dLengths(p).weight, ...packedLengths(p) }),
  entries: {
    forward: {
      reads: ["weight"],
      writes: ["packed"],
      flops: () => 0,
      workgroups: (p, { WORKGROUP_SIZE }) => linearGrid(packedLengths(p).packed, WORKGROUP_SIZE),
    },
    inputGradient: {
      reads: ["weight"],
      writes: ["turned"],
      flops: () => 0,
      workgroups: (p, { WORKGROUP_SIZE }) => linearGrid(packedLengths(p).turned, WORKGROUP_SIZE),
    },
  },
  workgroups: (p, { WORKGROUP_SIZE }) => linearGrid(packedLengths(p).packed, WORKGROUP_SIZE),
  tolerance: "exact",
  reference({ weight }, p) {
    const { packed, turned } = packedLengths(p);
    const layouts = { packed: new Float64Array(packed), turned: new Float64Array(turned) };
    eachPacked(p, false, (to, from) => layouts.packed[to] = weight[from]);
    eachPacked(p, true, (to, from) => layouts.turned[to] = weight[from]);
    return layouts;
  },
  // constants of the convolution are none of the packing's
  cases: conv2dCases.cases.map(({ params }) => ({ params })),
  randomCase: (random) => ({ params: conv2dCases.randomCase!(random).params }),
  benchCases: conv2dCases.benchCases!.map(({ params }) => ({ params })),
});
