import {
  defineKernels,
  type KernelCase,
  type Kernels,
  linearGrid,
  type Numbers,
} from "../../gpu/mod.ts";
import { channelMode } from "../fake_quantize/fake_quantize.ts";
import { randomInteger } from "../random_source.ts";
import source from "./soft_round.wgsl" with { type: "text" };

/** Ends of the stretched sigmoid, before it is clamped to 0 and 1. */
const ZETA = 1.1;
const GAMMA = -0.1;
/** What the factor of a group's levels is not smaller than, whatever is learned: 2^-10. */
export const LEAST_FACTOR: number = 2 ** -10;

/**
 * Finds how far up the step between its two levels a weight stands.
 *
 * @param v The number that learns.
 * @returns h from 0, the lower level, to 1, the higher one; at most and at least there it is clamped.
 * @see Nagel et al. 2020, arXiv:2004.10568, equation 23
 */
export function rectifiedSigmoid(v: number): number {
  const stretched = (ZETA - GAMMA) / (1 + Math.exp(-v)) + GAMMA;
  return Math.min(Math.max(stretched, 0), 1);
}

/**
 * Finds the number that {@link rectifiedSigmoid} makes a share of.
 *
 * @param h From 0 to 1.
 * @returns v.
 */
export function inverseRectifiedSigmoid(h: number): number {
  return Math.log((h - GAMMA) / (ZETA - h));
}

/** Slope of the rectified sigmoid; 0 where it is clamped. */
function slopeOf(v: number): number {
  const s = 1 / (1 + Math.exp(-v));
  const stretched = (ZETA - GAMMA) * s + GAMMA;
  return stretched > 0 && stretched < 1 ? (ZETA - GAMMA) * s * (1 - s) : 0;
}

/** Sizes of weights that learn their rounding. */
export interface SoftRoundShape {
  /** Groups of weights with a grid each. */
  readonly channels: number;
  /** Weights of a group. */
  readonly inner: number;
  /** Rows of the penalty's schedule; 1 where there is none. */
  readonly steps?: number;
}

/**
 * Gives the params of the kernels.
 *
 * @param shape Groups, their size, rows of the schedule.
 * @returns The same, and the size of all.
 */
export function softRoundParams({ channels, inner, steps = 1 }: SoftRoundShape): Numbers {
  return { size: channels * inner, channels, inner, steps };
}

function softRoundCase(channels: number, inner: number, steps: number): KernelCase {
  return {
    params: softRoundParams({ channels, inner, steps }),
    constants: { CHANNELS: channelMode(channels, inner) },
  };
}

/** Weights between the two levels of their grid, and the penalty that drives them to one. */
export const softRoundKernels: Kernels<
  "forward" | "backward" | "factorGradient" | "penalty" | "penaltyGradient"
> = defineKernels({
  name: "soft_round",
  file: "kernels/soft_round/soft_round.wgsl",
  source,
  params: { size: "u32", channels: "u32", inner: "u32", steps: "u32" },
  constants: { CHANNELS: 2, WORKGROUP_SIZE: 64, LANES: 64 },
  lengths: ({ size, channels, steps }) => ({
    v: size,
    low: size,
    high: size,
    factor: channels,
    w: size,
    dw: size,
    dv: size,
    weights: size,
    dWeights: size,
    dFactor: channels,
    clock: 1,
    schedule: 2 * steps,
    r: size,
    dr: size,
    dvOfPenalty: size,
  }),
  entries: {
    forward: {
      reads: ["v", "low", "high", "factor"],
      writes: ["w"],
      flops: ({ size }) => 10 * size,
    },
    backward: {
      reads: ["v", "low", "high", "factor", "dw"],
      writes: ["dv"],
      flops: ({ size }) => 12 * size,
    },
    factorGradient: {
      reads: ["weights", "dWeights", "factor"],
      writes: ["dFactor"],
      flops: ({ size }) => 2 * size,
      workgroups: ({ channels }) => linearGrid(channels, 1),
      loopIterations: ({ inner }, { LANES }) => Math.ceil(inner / LANES) + 8,
    },
    penalty: {
      reads: ["v", "clock", "schedule"],
      writes: ["r"],
      flops: ({ size }) => 14 * size,
    },
    penaltyGradient: {
      reads: ["v", "clock", "schedule", "dr"],
      writes: ["dvOfPenalty"],
      flops: ({ size }) => 20 * size,
    },
  },
  workgroups: ({ size }, { WORKGROUP_SIZE }) => linearGrid(Math.ceil(size / 16), WORKGROUP_SIZE),
  // exp and pow err by some ULP, a power of up to 20 by 20 times that; sums by a rounding an addition
  tolerance: ({ inner }, entry) =>
    entry === "factorGradient"
      ? { absolute: 1e-6 * Math.sqrt(inner) + 1e-5, relative: 1e-5 }
      : { absolute: 2e-5, relative: entry.startsWith("penalty") ? 2e-4 : 1e-5 },
  generate: {
    v: (random, _params, length) => Array.from({ length }, () => 8 * random() - 4),
    factor: (random, _params, length) =>
      Array.from({ length }, () => random() < 0.1 ? -random() : 0.5 + random()),
    clock: (random, { steps }) => [randomInteger(random, 0, steps)],
    schedule: (random, _params, length) =>
      Array.from({ length }, (_, i) => i % 2 === 0 ? random() : 2 + 18 * random()),
  },
  reference(given, { channels, inner, steps }, _constants, entry) {
    const { v, low, high, factor, dw, weights, dWeights, clock, schedule, dr } = given;
    const channel = (i: number) => Math.floor(i / inner);
    const factorOf = (i: number) => Math.max(factor[channel(i)], LEAST_FACTOR);
    switch (entry) {
      case "forward":
        return {
          w: v.map((x, i) => factorOf(i) * (low[i] + rectifiedSigmoid(x) * (high[i] - low[i]))),
        };
      case "backward":
        return {
          dv: v.map((x, i) => dw[i] * factorOf(i) * (high[i] - low[i]) * slopeOf(x)),
        };
      case "factorGradient": {
        const dFactor = new Float64Array(channels);
        weights.forEach((w, i) => {
          if (factor[channel(i)] >= LEAST_FACTOR) {
            dFactor[channel(i)] += dWeights[i] * w / factorOf(i);
          }
        });
        return { dFactor };
      }
    }
    const [weight, beta] = schedule.subarray(2 * Math.min(clock[0], steps - 1));
    const distance = (x: number) => 2 * rectifiedSigmoid(x) - 1;
    if (entry === "penalty") {
      return { r: v.map((x) => weight * (1 - Math.abs(distance(x)) ** beta)) };
    }
    return {
      dvOfPenalty: v.map((x, i) => {
        const u = distance(x);
        return -2 * weight * beta * Math.abs(u) ** (beta - 1) * Math.sign(u) * slopeOf(x) * dr[i];
      }),
    };
  },
  gradients: [
    { output: "w", input: "v", seed: "dw", gradient: "dv" },
    {
      output: "w",
      input: "factor",
      seed: "dWeights",
      gradient: "dFactor",
      saved: { weights: "w" },
    },
    { output: "r", input: "v", seed: "dr", gradient: "dvOfPenalty" },
  ],
  cases: [
    softRoundCase(1, 1, 1),
    softRoundCase(1, 37, 3),
    softRoundCase(5, 27, 2),
    softRoundCase(3, 8, 2),
    softRoundCase(64, 784, 1),
    softRoundCase(2, 5_001, 4),
  ],
  randomCase: (random) =>
    softRoundCase(
      randomInteger(random, 1, 9),
      randomInteger(random, 1, 90),
      randomInteger(random, 1, 5),
    ),
  benchCases: [softRoundCase(64, 784, 1), softRoundCase(64, 2 ** 14, 1)],
});
