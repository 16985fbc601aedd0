import {
  defineKernels,
  type Device,
  type KernelCase,
  type Kernels,
  linearGrid,
  type Numbers,
} from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import source from "./difference.wgsl" with { type: "text" };

/** Sizes of what is compared. */
export interface DifferenceShape {
  /** Rows of a batch, such as images. */
  readonly rows: number;
  /** Channels of a row, each with statistics of its own. */
  readonly channels: number;
  /** Elements of a channel of a row: height x width, or 1 for features. */
  readonly plane: number;
}

/** Processors are busy with few, and every slot is read back in the end. */
const FEW_SLOTS = 4096;
/** GPUs want as many as they can keep in flight. */
const MANY_SLOTS = 16_384;
/** The most invocations that share one plane. */
const MOST_LANES = 16;

/**
 * Chooses how many slots a comparison should have at least, if there are rows for them.
 *
 * @param device Where it will run.
 * @returns Few for processors, more for GPUs.
 */
export function chooseDifferenceSlots({ isSoftware }: Device): number {
  return isSoftware ? FEW_SLOTS : MANY_SLOTS;
}

/**
 * Params of a comparison, its channels cut into slots.
 *
 * Batches that go into the same slots must have the same `lanes` and `groups`; only `rows` may differ.
 *
 * @param shape Sizes in elements.
 * @param slots How many slots there should be at least; as suits processors if left out.
 * @returns Sizes, lanes and groups, and a range that nothing is outside of.
 * @throws {RangeError} If a size is not a positive whole number.
 */
export function differenceParams(
  { rows, channels, plane }: DifferenceShape,
  slots: number = FEW_SLOTS,
): Numbers {
  for (const [name, value] of Object.entries({ rows, channels, plane })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`Cannot compare: ${name} must be a whole number from 1 on: ${value}`);
    }
  }
  const lanes = Math.min(MOST_LANES, Math.ceil(plane / 16));
  const groups = Math.min(rows, Math.ceil(slots / (channels * lanes)));
  return { rows, channels, plane, lanes, groups, low: -Infinity, high: Infinity };
}

/** Elements of a tensor. */
const sizeOf = (p: Numbers): number => p.rows * p.channels * p.plane;

/** Slots of a statistic. */
const slotsOf = (p: Numbers): number => p.groups * p.channels * p.lanes;

/** Calls back for every element with its index and its slot. */
function eachElement(
  p: Numbers,
  { FOURS }: Numbers,
  visit: (element: number, slot: number) => void,
): void {
  const unit = FOURS === 1 ? 4 : 1;
  for (let i = 0; i < sizeOf(p); i++) {
    const line = Math.floor(i / p.plane);
    const channel = line % p.channels;
    const group = Math.floor(line / p.channels) % p.groups;
    const lane = Math.floor(i % p.plane / unit) % p.lanes;
    visit(i, (group * p.channels + channel) * p.lanes + lane);
  }
}

/** Elements one by one and, where planes are whole vectors, also the way that takes these. */
function casesOf(shape: DifferenceShape, slots?: number): KernelCase[] {
  const params = { ...differenceParams(shape, slots), low: -0.5, high: 1.25 };
  return (shape.plane % 4 === 0 ? [0, 1] : [0]).map((FOURS) => ({ params, constants: { FOURS } }));
}

const fromZero = (random: () => number, _params: Numbers, length: number) =>
  Array.from({ length }, () => 3 * random());

/** Signal, noise, largest difference and activity of a tensor beside another, and what a range cuts off. */
export const differenceKernels: Kernels<"compare" | "outside"> = defineKernels({
  name: "difference",
  file: "kernels/difference/difference.wgsl",
  source,
  params: {
    rows: "u32",
    channels: "u32",
    plane: "u32",
    lanes: "u32",
    groups: "u32",
    low: "f32",
    high: "f32",
  },
  constants: { FOURS: 0, WORKGROUP_SIZE: 64 },
  lengths: (p) => ({
    a: sizeOf(p),
    b: sizeOf(p),
    x: sizeOf(p),
    signal: slotsOf(p),
    noise: slotsOf(p),
    largest: slotsOf(p),
    peakA: slotsOf(p),
    peakB: slotsOf(p),
    count: slotsOf(p),
  }),
  entries: {
    compare: {
      reads: ["a", "b"],
      writes: [],
      updates: ["signal", "noise", "largest", "peakA", "peakB"],
      flops: (p) => 11 * sizeOf(p),
      loopIterations: walkIterations,
    },
    outside: {
      reads: ["x"],
      writes: [],
      updates: ["count"],
      flops: (p) => 4 * sizeOf(p),
      loopIterations: walkIterations,
    },
  },
  workgroups: (p, { WORKGROUP_SIZE }) => linearGrid(slotsOf(p), WORKGROUP_SIZE),
  // a rounding an addition of squares, which are never negative, and one of the difference itself
  tolerance: (p, entry) =>
    entry === "outside"
      ? "exact"
      : { absolute: 1e-7, relative: 1e-6 + 6e-8 * Math.ceil(sizeOf(p) / slotsOf(p)) },
  generate: {
    signal: fromZero,
    noise: fromZero,
    largest: fromZero,
    peakA: fromZero,
    peakB: fromZero,
    count: (random, _params, length) => Array.from({ length }, () => randomInteger(random, 0, 9)),
  },
  reference({ a, b, x, signal, noise, largest, peakA, peakB, count }, p, constants, entry) {
    if (entry === "outside") {
      const found = count.slice();
      eachElement(p, constants, (i, slot) => {
        if (x[i] < p.low || x[i] > p.high) found[slot]++;
      });
      return { count: found };
    }
    const made = { signal, noise, largest, peakA, peakB };
    const sums = Object.fromEntries(
      Object.entries(made).map(([name, values]) => [name, values.slice()]),
    );
    eachElement(p, constants, (i, slot) => {
      const apart = a[i] - b[i];
      sums.signal[slot] += a[i] ** 2;
      sums.noise[slot] += apart ** 2;
      sums.largest[slot] = Math.max(sums.largest[slot], Math.abs(apart));
      sums.peakA[slot] = Math.max(sums.peakA[slot], Math.abs(a[i]));
      sums.peakB[slot] = Math.max(sums.peakB[slot], Math.abs(b[i]));
    });
    return sums;
  },
  cases: [
    ...casesOf({ rows: 1, channels: 1, plane: 1 }),
    ...casesOf({ rows: 9, channels: 65, plane: 1 }, 200),
    ...casesOf({ rows: 7, channels: 3, plane: 49 }, 20),
    ...casesOf({ rows: 5, channels: 3, plane: 36 }),
    ...casesOf({ rows: 3, channels: 2, plane: 784 }, 64),
    // long sums: 20,000 and 40,000 elements a slot
    ...casesOf({ rows: 20_000, channels: 1, plane: 1 }, 1),
    ...casesOf({ rows: 40, channels: 1, plane: 16_000 }, 1),
  ],
  randomCase: (random) => {
    const shape = {
      rows: randomInteger(random, 1, 30),
      channels: randomInteger(random, 1, 20),
      plane: randomInteger(random, 1, 70),
    };
    const cases = casesOf(shape, randomInteger(random, 1, 300));
    return cases[cases.length - 1];
  },
  benchCases: [
    { params: differenceParams({ rows: 2048, channels: 784, plane: 1 }) },
    {
      params: differenceParams({ rows: 256, channels: 16, plane: 1024 }),
      constants: { FOURS: 1 },
    },
  ],
});

/** Loop iterations of an invocation that walks a slot. */
function walkIterations(p: Numbers, { FOURS }: Numbers): number {
  const units = Math.ceil(p.plane / (FOURS === 1 ? 4 : 1) / p.lanes);
  return Math.ceil(p.rows / p.groups) * (1 + units);
}
