import {
  defineKernels,
  type EntrySpec,
  type Kernels,
  linearGrid,
  type Numbers,
} from "../../gpu/mod.ts";
import naiveSource from "./naive.wgsl" with { type: "text" };
import { conv2dReference } from "./reference.ts";
import { CONV2D_PARAMS, conv2dCases, conv2dFlops, conv2dLengths, conv2dTolerance } from "./spec.ts";

/** The products of a convolution. */
export type Conv2dEntry = "forward" | "inputGradient" | "weightGradient";

const entry = (
  reads: readonly string[],
  writes: readonly string[],
  rest: Pick<EntrySpec, "workgroups" | "loopIterations">,
): EntrySpec => ({ reads, writes, flops: conv2dFlops, ...rest });

const line = (length: (p: Numbers) => number, terms: (p: Numbers) => number) => ({
  workgroups: (p: Numbers, { WORKGROUP_SIZE }: Numbers) => linearGrid(length(p), WORKGROUP_SIZE),
  loopIterations: terms,
});

function overTaps({ kernelHeight, kernelWidth }: Numbers): number {
  return 1 + kernelHeight * (1 + kernelWidth);
}

/** One output an invocation: the baseline, right for every shape. */
export const naiveConv2dKernels: Kernels<Conv2dEntry> = defineKernels({
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
    inputGradient: entry(
      ["dy", "weight"],
      ["dx"],
      line((p) => conv2dLengths(p).dx, (p) => p.outChannels * overTaps(p)),
    ),
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
