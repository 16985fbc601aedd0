import { defineKernels, type Grid, type Kernels, linearGrid, type Numbers } from "../../gpu/mod.ts";
import { batchNormBenchCases, batchNormCases, randomBatchNormCase } from "./cases.ts";
import { channelsOf, GEOMETRY, MERGE_PARTS, partsOf, sizeOfX, WALK_PARTS } from "./geometry.ts";
import { batchNormReference } from "./reference.ts";
import source from "./normalize.wgsl" with { type: "text" };

const NUMBERS = { epsilon: 1e-5 };

/** Four vectors of a plane an invocation; a line of all vectors where planes are not whole vectors. */
function elementsGrid(p: Numbers, { FOURS, WORKGROUP_SIZE }: Numbers): Grid {
  if (FOURS === 0) return linearGrid(Math.ceil(sizeOfX(p) / 4), WORKGROUP_SIZE);
  const vectors = p.plane / 4;
  const across = vectors < 32 ? Math.ceil(vectors / 4) : 8 * Math.ceil(vectors / 32);
  return [Math.ceil(p.channels * across / WORKGROUP_SIZE), p.batch, p.networks];
}

/** Batch norm with statistics that are given, and its gradients. */
export const batchNormKernels: Kernels<"forward" | "gradientSums" | "gradients" | "inputGradient"> =
  defineKernels({
    name: "batch_norm",
    file: "kernels/batch_norm/normalize.wgsl",
    source,
    params: { ...GEOMETRY, epsilon: "f32" },
    constants: { FOURS: 0, RELU: 0, SHORTCUT: 0, FROZEN: 0, LANES: 8, WORKGROUP_SIZE: 64 },
    lengths: (p) => {
      const channels = channelsOf(p);
      const parts = partsOf(p) * channels;
      const size = sizeOfX(p);
      return {
        ...{ x: size, y: size, dy: size, dx: size, shortcut: size, activated: size },
        ...{ mean: channels, variance: channels, weight: channels, bias: channels },
        ...{ partialWeightOut: parts, partialBiasOut: parts },
        ...{ partialWeight: parts, partialBias: parts },
        ...{ dWeight: channels, dBias: channels, slopesOut: 2 * channels, slopes: 2 * channels },
      };
    },
    entries: {
      forward: {
        reads: ["x", "mean", "variance", "weight", "bias", "shortcut"],
        writes: ["y"],
        flops: (p, { RELU, SHORTCUT }) => (3 + RELU + SHORTCUT) * sizeOfX(p),
        touched: (p, { SHORTCUT }) => (2 + SHORTCUT) * sizeOfX(p) + 4 * channelsOf(p),
        workgroups: elementsGrid,
      },
      gradientSums: {
        reads: ["x", "dy", "activated", "mean", "variance"],
        writes: ["partialWeightOut", "partialBiasOut"],
        flops: (p) => 4 * sizeOfX(p),
        touched: (p, { RELU }) => (2 + RELU) * sizeOfX(p) + 2 * channelsOf(p) * (partsOf(p) + 1),
        ...WALK_PARTS,
      },
      gradients: {
        reads: ["partialWeight", "partialBias", "variance"],
        writes: ["dWeight", "dBias", "slopesOut"],
        flops: (p) => 2 * channelsOf(p) * partsOf(p),
        ...MERGE_PARTS,
      },
      inputGradient: {
        reads: ["x", "dy", "activated", "mean", "variance", "weight", "slopes"],
        writes: ["dx"],
        flops: (p, { FROZEN }) => (FROZEN === 1 ? 1 : 5) * sizeOfX(p),
        touched: (p, { RELU, FROZEN }) => (3 + RELU - FROZEN) * sizeOfX(p) + 5 * channelsOf(p),
        workgroups: elementsGrid,
      },
    },
    workgroups: elementsGrid,
    // sums of n numbers of both signs: a rounding an addition
    tolerance: (p, entry) => ({
      absolute: entry === "gradientSums" ? 2e-6 + 3e-8 * p.batch * p.plane : 5e-6,
      relative: 5e-6,
    }),
    generate: {
      variance: (random, _params, length) => Array.from({ length }, () => 0.5 + random()),
    },
    reference: batchNormReference,
    gradients: [
      ...(["bias", "weight"] as const).map((input) => ({
        output: "y",
        input,
        seed: "dy",
        // one result a part, and their sum is the gradient
        gradient: input === "bias" ? "partialBiasOut" : "partialWeightOut",
        saved: { activated: "y" },
      })),
      {
        output: "y",
        input: "x",
        seed: "dy",
        gradient: "dx",
        saved: { activated: "y" },
        constants: { FROZEN: 1 },
      },
      {
        output: "trained",
        input: "x",
        seed: "dy",
        gradient: "dx",
        forward: "gradientSums",
        saved: {
          activated: "trained",
          mean: "ownMean",
          variance: "ownVariance",
          slopes: "ownSlopes",
        },
        constants: { FROZEN: 0, SHORTCUT: 0 },
      },
    ],
    cases: batchNormCases(NUMBERS).flatMap(({ params, constants }) => [
      { params, constants },
      { params, constants: { ...constants, RELU: 1, SHORTCUT: 1 } },
    ]),
    randomCase: (random) => {
      const { params, constants } = randomBatchNormCase(random, NUMBERS);
      const [RELU, SHORTCUT, FROZEN] = [0, 0, 0].map(() => Math.round(random()));
      return { params, constants: { ...constants, RELU, SHORTCUT, FROZEN } };
    },
    benchCases: batchNormBenchCases(NUMBERS).flatMap(({ params, constants }) =>
      [0, 1].map((RELU) => ({ params, constants: { ...constants, RELU } }))
    ),
  });
