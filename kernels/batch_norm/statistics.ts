import { defineKernels, type Kernels, linearGrid } from "../../gpu/mod.ts";
import {
  batchNormCases,
  batchNormParams,
  BENCH_SHAPES,
  channelsOf,
  GEOMETRY,
  mergeIterations,
  partsGrid,
  partsOf,
  randomBatchNormCase,
  sizeOfX,
  walkIterations,
} from "./geometry.ts";
import { statisticsReference } from "./reference.ts";
import source from "./statistics.wgsl" with { type: "text" };

const NUMBERS = { momentum: 0.1 };

/** Mean and variance of every channel of a batch, and its running statistics. */
export const batchStatisticsKernels: Kernels<"moments" | "statistics"> = defineKernels({
  name: "batch_statistics",
  file: "kernels/batch_norm/statistics.wgsl",
  source,
  params: { ...GEOMETRY, momentum: "f32" },
  constants: { FOURS: 0, LANES: 8, WORKGROUP_SIZE: 64 },
  lengths: (p) => {
    const channels = channelsOf(p);
    const parts = partsOf(p) * channels;
    return {
      x: sizeOfX(p),
      partialMeanOut: parts,
      partialSquaresOut: parts,
      partialMean: parts,
      partialSquares: parts,
      runningMean: channels,
      runningVariance: channels,
      meanOut: channels,
      varianceOut: channels,
    };
  },
  entries: {
    moments: {
      reads: ["x"],
      writes: ["partialMeanOut", "partialSquaresOut"],
      flops: (p) => 5 * sizeOfX(p),
      workgroups: partsGrid,
      loopIterations: walkIterations,
    },
    statistics: {
      reads: ["x", "partialMean", "partialSquares"],
      updates: ["runningMean", "runningVariance"],
      writes: ["meanOut", "varianceOut"],
      flops: (p) => 10 * channelsOf(p) * partsOf(p),
      // of x only the first element of every channel
      touched: (p) => channelsOf(p) * (2 * partsOf(p) + 7),
      loopIterations: mergeIterations,
    },
  },
  workgroups: (p) => linearGrid(channelsOf(p), 1),
  // a rounding an addition, and squares that add up to about n
  tolerance: { absolute: 2e-6, relative: 5e-6 },
  generate: {
    partialSquares: (random, _params, length) => Array.from({ length }, () => 9 * random()),
    runningVariance: (random, _params, length) => Array.from({ length }, () => 0.5 + random()),
  },
  reference: statisticsReference,
  cases: batchNormCases(NUMBERS),
  randomCase: (random) => randomBatchNormCase(random, { momentum: random() }),
  benchCases: BENCH_SHAPES.map((shape) => ({
    params: { ...batchNormParams(shape), ...NUMBERS },
    constants: { FOURS: 1 },
  })),
});
