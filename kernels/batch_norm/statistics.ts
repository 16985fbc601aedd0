import { defineKernels, type Kernels } from "../../gpu/mod.ts";
import { batchNormBenchCases, batchNormCases, randomBatchNormCase } from "./cases.ts";
import { channelsOf, GEOMETRY, MERGE_PARTS, partsOf, sizeOfX, WALK_PARTS } from "./geometry.ts";
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
      ...WALK_PARTS,
    },
    statistics: {
      reads: ["x", "partialMean", "partialSquares"],
      updates: ["runningMean", "runningVariance"],
      writes: ["meanOut", "varianceOut"],
      flops: (p) => 10 * channelsOf(p) * partsOf(p),
      // of x only the first element of every channel
      touched: (p) => channelsOf(p) * (2 * partsOf(p) + 7),
      ...MERGE_PARTS,
    },
  },
  workgroups: MERGE_PARTS.workgroups,
  // a rounding an addition, and squares that add up to about n
  tolerance: { absolute: 2e-6, relative: 5e-6 },
  generate: {
    partialSquares: (random, _params, length) => Array.from({ length }, () => 9 * random()),
    runningVariance: (random, _params, length) => Array.from({ length }, () => 0.5 + random()),
  },
  reference: statisticsReference,
  cases: batchNormCases(NUMBERS),
  randomCase: (random) => randomBatchNormCase(random, { momentum: random() }),
  benchCases: batchNormBenchCases(NUMBERS),
});
