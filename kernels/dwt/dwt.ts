import {
  defineKernels,
  type KernelCase,
  type Kernels,
  linearGrid,
  type Numbers,
  type RandomSource,
} from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import analysisSource from "./analysis.wgsl" with { type: "text" };
import {
  analyzeAxis,
  type BoundaryMode,
  coefficientCount,
  type FilterPair,
  synthesizeAxis,
} from "./reference.ts";
import synthesisSource from "./synthesis.wgsl" with { type: "text" };

/** Longest filters that the shaders are tested with. */
const MOST_TAPS = 20;

function modeOf({ periodic }: Numbers): BoundaryMode {
  return periodic === 1 ? "periodization" : "symmetric";
}

function halfOf(params: Numbers): number {
  return coefficientCount(params.length, params.taps, modeOf(params));
}

/** Tap loop, and for each sample the folds of signals shorter than the filters. */
function loopsOf({ taps, length }: Numbers): number {
  return (taps / 2 + 4) * (3 + 2 * Math.ceil(taps / length));
}

function axisOf({ outer, length, inner }: Numbers) {
  return { outer, length, inner };
}

function unpackFilters(packed: Float64Array): FilterPair {
  return {
    low: packed.filter((_, i) => i % 4 < 2),
    high: packed.filter((_, i) => i % 4 >= 2),
  };
}

function axisCase(
  outer: number,
  length: number,
  inner: number,
  taps: number,
  periodic: number,
): KernelCase {
  return { params: { outer, length, inner, taps, periodic } };
}

const cases = [0, 1].flatMap((periodic) => [
  axisCase(1, 1, 1, 2, periodic),
  axisCase(1, 1, 1, MOST_TAPS, periodic),
  axisCase(3, 2, 5, MOST_TAPS, periodic),
  axisCase(64 * 28, 28, 1, 4, periodic),
  axisCase(64, 28, 14, 10, periodic),
  axisCase(2, 31, 7, 6, periodic),
  axisCase(1, 4097, 3, 12, periodic),
]);

function randomCase(random: RandomSource): KernelCase {
  return axisCase(
    randomInteger(random, 1, 7),
    randomInteger(random, 1, 50),
    randomInteger(random, 1, 20),
    2 * randomInteger(random, 1, MOST_TAPS / 2),
    randomInteger(random, 0, 1),
  );
}

const shared = {
  name: "dwt_axis",
  params: { outer: "u32", length: "u32", inner: "u32", taps: "u32", periodic: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  // A sum of 2 taps products of standard normal numbers, in another order than the reference's.
  tolerance: { absolute: 2e-5, relative: 2e-6 },
  cases,
  randomCase,
  benchCases: [
    axisCase(2048, 2048, 1, 4, 1),
    axisCase(1, 2048, 2048, 4, 1),
    axisCase(1, 2048, 2048, MOST_TAPS, 1),
  ],
} as const;

/** Splits a tensor into low and high band along one axis: a 2-D level is three of these. */
export const dwtAnalysisKernels: Kernels<"analysis"> = defineKernels({
  ...shared,
  file: "kernels/dwt/analysis.wgsl",
  source: analysisSource,
  lengths: (p) => ({
    x: p.outer * p.length * p.inner,
    filters: 2 * p.taps,
    low: p.outer * halfOf(p) * p.inner,
    high: p.outer * halfOf(p) * p.inner,
  }),
  entries: {
    analysis: {
      reads: ["x", "filters"],
      writes: ["low", "high"],
      flops: (p) => 4 * p.taps * p.outer * halfOf(p) * p.inner,
      loopIterations: loopsOf,
    },
  },
  workgroups: (p, c) => linearGrid(p.outer * Math.ceil(halfOf(p) / 4) * p.inner, c.WORKGROUP_SIZE),
  reference: ({ x, filters }, p) => ({
    ...analyzeAxis(x, axisOf(p), unpackFilters(filters), modeOf(p)),
  }),
});

/** Joins low and high band along one axis: a 2-D level is three of these. */
export const dwtSynthesisKernels: Kernels<"synthesis"> = defineKernels({
  ...shared,
  file: "kernels/dwt/synthesis.wgsl",
  source: synthesisSource,
  lengths: (p) => ({
    low: p.outer * halfOf(p) * p.inner,
    high: p.outer * halfOf(p) * p.inner,
    filters: 2 * p.taps,
    y: p.outer * p.length * p.inner,
  }),
  entries: {
    synthesis: {
      reads: ["low", "high", "filters"],
      writes: ["y"],
      flops: (p) => 2 * p.taps * p.outer * p.length * p.inner,
      loopIterations: loopsOf,
    },
  },
  workgroups(p, c) {
    const shift = p.periodic === 1 ? p.taps / 2 - 1 : p.taps - 2;
    return linearGrid(
      p.outer * Math.ceil((p.length + shift % 2) / 8) * p.inner,
      c.WORKGROUP_SIZE,
    );
  },
  reference: ({ low, high, filters }, p) => ({
    y: synthesizeAxis(low, high, axisOf(p), unpackFilters(filters), modeOf(p)),
  }),
});
