import {
  defineKernels,
  type KernelCase,
  type Kernels,
  linearGrid,
  type Numbers,
  type RandomSource,
} from "../../gpu/mod.ts";
import { channelMode } from "../fake_quantize/fake_quantize.ts";
import { randomInteger } from "../random_source.ts";
import { LEARNED_LEVELS, lsqReference, partsOf } from "./reference.ts";
import source from "./lsq.wgsl" with { type: "text" };

/** Elements of a channel that one invocation adds up. */
const CHUNK = 128;

/** Sizes of what is quantized with learned steps. */
export interface LsqShape {
  /** Elements in all. */
  readonly size: number;
  /** How many steps there are. */
  readonly channels: number;
  /** Elements between two neighbors on the channel axis. */
  readonly inner: number;
  /** N of the gradient's scale 1 / sqrt(N qMax); 0 for a scale of 1. */
  readonly count: number;
  /** What no step is smaller than. */
  readonly floor: number;
}

/**
 * Gives the params of the kernels.
 *
 * @param shape Sizes, count and floor.
 * @returns The same, and how many elements an invocation adds up.
 */
export function lsqParams({ size, channels, inner, count, floor }: LsqShape): Numbers {
  return { size, channels, inner, chunk: CHUNK, count, floor };
}

function lsqCase(
  [outer, channels, inner]: readonly [number, number, number],
  constants: Numbers = {},
): KernelCase {
  const count = inner % 3 === 0 ? 0 : outer * inner;
  const size = outer * channels * inner;
  return {
    params: lsqParams({ size, channels, inner, count, floor: 2 ** -10 }),
    constants: { CHANNELS: channelMode(channels, inner), ...constants },
  };
}

const SIGNED = { LEVELS: LEARNED_LEVELS.signs };
const CONTINUOUS = { LEVELS: LEARNED_LEVELS.continuous };

function many(length: number, draw: (i: number) => readonly number[]): number[] {
  return Array.from({ length }, (_, i) => draw(i)).flat();
}

function drawLimits(random: RandomSource): [number, number] {
  return [randomInteger(random, -8, 0), randomInteger(random, 1, 8)];
}

function loops(params: Numbers): number {
  return Math.min(params.inner, params.chunk);
}

/** Learned step size quantization (LSQ, LSQ+), learned clipping (PACT), learned signs. */
export const lsqKernels: Kernels<
  "prepare" | "forward" | "inputGradient" | "stepSums" | "stepGradient"
> = defineKernels({
  name: "lsq",
  file: "kernels/lsq/lsq.wgsl",
  source,
  params: {
    size: "u32",
    channels: "u32",
    inner: "u32",
    chunk: "u32",
    count: "f32",
    floor: "f32",
  },
  constants: {
    CHANNELS: 2,
    LEVELS: LEARNED_LEVELS.integers,
    OFFSET: 0,
    CLIP: 0,
    WORKGROUP_SIZE: 64,
    LANES: 64,
  },
  lengths: (params) => {
    const { size, channels } = params;
    const sums = 2 * channels * partsOf(params);
    return {
      step: channels,
      limits: 2 * channels,
      gridOut: 4 * channels,
      grid: 4 * channels,
      offset: channels,
      x: size,
      y: size,
      dy: size,
      dx: size,
      partialsOut: sums,
      partials: sums,
      dStep: channels,
      dOffset: channels,
    };
  },
  entries: {
    prepare: {
      reads: ["step", "limits"],
      writes: ["gridOut"],
      flops: ({ channels }) => 2 * channels,
      workgroups: ({ channels }, { WORKGROUP_SIZE }) => linearGrid(channels, WORKGROUP_SIZE),
    },
    forward: {
      reads: ["grid", "offset", "x"],
      writes: ["y"],
      flops: ({ size }) => 6 * size,
    },
    inputGradient: {
      reads: ["grid", "offset", "x", "dy"],
      writes: ["dx"],
      flops: ({ size }) => 4 * size,
    },
    stepSums: {
      reads: ["grid", "offset", "x", "dy"],
      writes: ["partialsOut"],
      flops: ({ size }) => 10 * size,
      workgroups: (params, { WORKGROUP_SIZE }) =>
        linearGrid(params.channels * partsOf(params), WORKGROUP_SIZE),
      loopIterations: loops,
    },
    stepGradient: {
      reads: ["grid", "partials"],
      writes: ["dStep", "dOffset"],
      flops: (params) => 2 * params.channels * partsOf(params),
      workgroups: ({ channels }) => linearGrid(channels, 1),
      loopIterations: (params, { LANES }) => Math.ceil(partsOf(params) / LANES) + 8,
    },
  },
  workgroups: ({ size }, { WORKGROUP_SIZE }) => linearGrid(Math.ceil(size / 16), WORKGROUP_SIZE),
  // a level that is wrong is a whole step off, 0.01 or more; sums err by a rounding an addition
  tolerance: (params, entry) =>
    entry === "inputGradient" ? "exact" : {
      absolute: entry.startsWith("step")
        ? 1e-6 * Math.sqrt(params.chunk * partsOf(params)) + 1e-5
        : 1e-6,
      relative: 1e-5,
    },
  generate: {
    step: (random, _p, length) => many(length, () => [random() - 0.1]),
    limits: (random, _p, length) => many(length / 2, () => drawLimits(random)),
    grid: (random, _p, length) =>
      many(length / 4, () => {
        const step = Math.fround(0.05 + random());
        return [step, Math.fround(1 / step), ...drawLimits(random)];
      }),
    offset: (random, _p, length) => many(length, () => [random() - 0.5]),
  },
  reference: lsqReference,
  gradients: [
    { output: "y", input: "x", seed: "dy", gradient: "dx", constants: CONTINUOUS },
  ],
  cases: [
    lsqCase([1, 1, 1]),
    lsqCase([1, 64, 784]),
    lsqCase([3, 3, 11]),
    lsqCase([7, 5, 8], { OFFSET: 1 }),
    lsqCase([2, 3, 403], { OFFSET: 1, CLIP: 1 }),
    lsqCase([1, 1, 20_000], { CLIP: 1, LANES: 8 }),
    lsqCase([1, 4, 300], SIGNED),
    lsqCase([5, 2, 7], { ...SIGNED, OFFSET: 1 }),
    lsqCase([2, 3, 20], { ...CONTINUOUS, OFFSET: 1 }),
  ],
  randomCase: (random) =>
    lsqCase(
      [randomInteger(random, 1, 5), randomInteger(random, 1, 9), randomInteger(random, 1, 300)],
      {
        LEVELS: randomInteger(random, 0, 2),
        OFFSET: randomInteger(random, 0, 1),
        CLIP: randomInteger(random, 0, 1),
      },
    ),
  benchCases: [lsqCase([1, 1, 2 ** 22]), lsqCase([1, 64, 2 ** 16])],
});
