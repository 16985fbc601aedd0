import {
  defineKernels,
  type KernelCase,
  type Kernels,
  type KernelSpec,
  linearGrid,
  type Numbers,
  type RandomSource,
} from "../../gpu/mod.ts";
import { randomInteger, randomWords, sometimesNaN, standardNormal } from "../random_source.ts";
import { referenceRequantize, REQUANTIZE_ROUNDING, slotsOf } from "./reference.ts";
import source from "./requantize.wgsl" with { type: "text" };

/** Vectors that a lane of `observe` goes through, as in the shader. */
const SLOT_VECTORS = 16;
const WORKGROUP_SIZE = 64;
/** Weights that a workgroup of `observe` goes through. */
const SLOT_ELEMENTS = 4 * SLOT_VECTORS * WORKGROUP_SIZE;

/** One weight of a population, and the statistics that it shares with the other weights. */
export interface RequantizeShape {
  /** How many networks. */
  readonly networks: number;
  /** Elements of the weight in one network. */
  readonly inner: number;
  /** Slots of the weights before this one. */
  readonly firstSlot: number;
  /** Slots of all weights of a network. */
  readonly allSlots: number;
  /** Elements of all weights of a network. */
  readonly weights: number;
  /** Steps that the ring of statistics holds. */
  readonly capacity: number;
  /** Stream of random numbers; every weight has its own. */
  readonly stream: number;
  /** Steps from one rounding in place to the next. */
  readonly period: number;
  /** Largest code, 2^bits - 1. */
  readonly levels: number;
}

/**
 * Counts the slots of statistics that one weight takes.
 *
 * @param inner Elements of the weight in one network.
 * @param networks How many networks.
 * @returns Slots of each network.
 */
export function requantizeSlots(inner: number, networks: number): number {
  return slotsOf(inner, networks, SLOT_ELEMENTS);
}

/**
 * Computes the params of the requantize kernels.
 *
 * @param shape The weight and where its statistics go.
 * @returns Params by name.
 */
export function requantizeParams(shape: RequantizeShape): Numbers {
  return { ...shape };
}

/** Every tensor of weights has numbers of the grid, of its steps, and others, some of them unmoved. */
function weightsOf(random: RandomSource, _params: Numbers, length: number): number[] {
  return Array.from({ length }, () => {
    const kind = randomInteger(random, 0, 3);
    if (kind === 0) return 0;
    return kind === 1 ? randomInteger(random, -5, 5) / 4 : 0.5 * standardNormal(random);
  });
}

/** A second weight that shares some elements with the first and is near it elsewhere. */
function movedWeights(random: RandomSource, params: Numbers, length: number): number[] {
  return weightsOf(random, params, length).map((value) => value + 0.05 * (random() - 0.5));
}

const generate: NonNullable<KernelSpec<string>["generate"]> = {
  weight: weightsOf,
  old: weightsOf,
  x: (random, params, length) => sometimesNaN(random, weightsOf(random, params, length)),
  before: movedWeights,
  // quarters first, so that numbers of the grid are among the weights
  grids: (random, { networks }) =>
    Array.from({ length: networks }, (_, p) => p % 2 === 0 ? 0.25 : 0.01 + random())
      .flatMap((scale) => [scale, 1 / Math.fround(scale)]),
  clock: (random) => [randomInteger(random, 1, 100_000)],
  seeds: randomWords,
  sums: (random, _params, length) => Array.from({ length }, () => randomInteger(random, 0, 99)),
};

function requantizeCase(
  networks: number,
  inner: number,
  rounding: number,
  options: Partial<RequantizeShape> = {},
): KernelCase {
  const firstSlot = 1;
  const allSlots = 2 + slotsOf(inner, networks, SLOT_ELEMENTS);
  const shape = { networks, inner, firstSlot, allSlots, weights: inner, capacity: 5 };
  return {
    params: requantizeParams({ ...shape, stream: 3, period: 1, levels: 7, ...options }),
    constants: { ROUNDING: rounding },
  };
}

/** What the requantize kernels are called. */
export type RequantizeEntry = "measure" | "observe" | "inPlace" | "shadow" | "record";

/**
 * Weights on an integer grid after every step of training: in place or beside float32 shadow weights,
 * with the share of updates that rounding undid.
 *
 * @see Courbariaux et al. 2015, arXiv:1511.00363; Gupta et al. 2015, arXiv:1502.02551
 */
export const requantizeKernels: Kernels<RequantizeEntry> = defineKernels({
  name: "requantize",
  file: "kernels/requantize/requantize.wgsl",
  source,
  params: {
    networks: "u32",
    inner: "u32",
    firstSlot: "u32",
    allSlots: "u32",
    weights: "u32",
    capacity: "u32",
    stream: "u32",
    period: "u32",
    levels: "f32",
  },
  constants: { ROUNDING: REQUANTIZE_ROUNDING.nearestEven, WORKGROUP_SIZE },
  lengths: ({ networks, inner, allSlots, capacity }) => ({
    weight: networks * inner,
    old: networks * inner,
    x: networks * inner,
    before: networks * inner,
    quantized: networks * inner,
    grids: 2 * networks,
    scales: 2 * networks,
    clock: 1,
    seeds: networks,
    partials: 4 * networks * allSlots,
    sums: 4 * networks * allSlots,
    ring: 3 * capacity * networks,
  }),
  entries: {
    measure: {
      reads: ["weight"],
      writes: ["scales"],
      flops: ({ networks, inner }) => 2 * networks * inner,
      workgroups: ({ networks }) => [networks, 1, 1],
      // over weights, lanes and the digits of two quotients
      loopIterations: ({ inner }, c) =>
        Math.ceil(inner / 4 / c.WORKGROUP_SIZE) + 2 + c.WORKGROUP_SIZE + 48,
    },
    observe: {
      reads: ["weight", "old", "grids", "clock", "seeds"],
      writes: [],
      updates: ["partials"],
      flops: ({ networks, inner }) => 20 * networks * inner,
      touched: ({ networks, inner }) => 2 * networks * inner,
      workgroups: ({ inner, networks }) => [requantizeSlots(inner, networks), networks, 1],
    },
    inPlace: {
      reads: ["grids", "clock", "seeds"],
      writes: ["before"],
      updates: ["x"],
      flops: ({ networks, inner }) => 8 * networks * inner,
    },
    shadow: {
      reads: ["grids", "clock", "seeds"],
      writes: ["before", "quantized"],
      updates: ["x"],
      flops: ({ networks, inner }) => 10 * networks * inner,
    },
    record: {
      reads: ["sums", "clock"],
      writes: [],
      updates: ["ring"],
      flops: ({ networks, allSlots }) => 4 * networks * allSlots,
      touched: ({ networks, allSlots }) => 4 * networks * allSlots,
      workgroups: ({ networks }, c) => linearGrid(networks, c.WORKGROUP_SIZE),
      loopIterations: ({ allSlots }) => allSlots,
    },
  },
  workgroups: ({ networks, inner }, c) =>
    linearGrid(Math.ceil(networks * inner / 16), c.WORKGROUP_SIZE),
  // scales and quantized weights are exact; statistics are summed
  tolerance: (_params, entry) =>
    entry === "observe" || entry === "record" ? { absolute: 1e-6, relative: 1e-5 } : "exact",
  generate,
  reference: (inputs, params, { ROUNDING }, entry) =>
    referenceRequantize(inputs, params, ROUNDING, SLOT_ELEMENTS, entry),
  cases: Object.values(REQUANTIZE_ROUNDING).flatMap((rounding) => [
    requantizeCase(1, 1, rounding),
    requantizeCase(1, 4099, rounding),
    requantizeCase(3, 10, rounding),
    requantizeCase(5, 7, rounding, { levels: 1 }),
    requantizeCase(2, 4098, rounding, { period: 100_003, levels: 255 }),
  ]),
  randomCase: (random) =>
    requantizeCase(
      randomInteger(random, 1, 5),
      randomInteger(random, 1, 300),
      Object.values(REQUANTIZE_ROUNDING)[randomInteger(random, 0, 3)],
      { period: randomInteger(random, 1, 3), levels: 2 ** randomInteger(random, 1, 8) - 1 },
    ),
  benchCases: [requantizeCase(1, 2 ** 22, REQUANTIZE_ROUNDING.nearestEven, { levels: 255 })],
});
