import type { Numbers, ReferenceInputs } from "../../gpu/mod.ts";
import { streamKey, uniformAt } from "../random_source.ts";
import { roundHalfEven, roundStochastically, roundWithDeadZone } from "../rounding.ts";

/** Ways to requantize a weight, numbered as the shader's `ROUNDING` constant numbers them. */
export const REQUANTIZE_ROUNDING = {
  nearestEven: 0,
  towardZero: 1,
  deadZone: 3,
  stochastic: 4,
} as const;

const { fround } = Math;

const TO_INTEGER: Readonly<Record<number, (value: number, uniform: number) => number>> = {
  [REQUANTIZE_ROUNDING.nearestEven]: roundHalfEven,
  [REQUANTIZE_ROUNDING.towardZero]: Math.trunc,
  [REQUANTIZE_ROUNDING.deadZone]: roundWithDeadZone,
  [REQUANTIZE_ROUNDING.stochastic]: roundStochastically,
};

/** A symmetric grid around 0: real = code * scale for codes from -levels to levels. */
export interface LevelGrid {
  /** Distance of two neighbors, a float32. */
  readonly scale: number;
  /** float32(1 / scale). */
  readonly inverseScale: number;
  /** Largest code, 2^bits - 1. */
  readonly levels: number;
}

/**
 * Finds the code of a weight: what the requantize kernels compute.
 *
 * @param x A float32.
 * @param grid The grid.
 * @param rounding A value of {@link REQUANTIZE_ROUNDING}.
 * @param uniform In [0, 1), for stochastic rounding.
 * @returns A whole number from -levels to levels; a number of the grid keeps its own.
 */
export function levelCode(
  x: number,
  { scale, inverseScale, levels }: LevelGrid,
  rounding: number,
  uniform: number = 0,
): number {
  const value = fround(x * inverseScale);
  const nearest = roundHalfEven(value);
  const isOnGrid = fround(nearest * scale) === x;
  const code = isOnGrid ? nearest : TO_INTEGER[rounding](value, uniform);
  return Math.min(Math.max(code, -levels), levels);
}

/** What observing adds up over weights. */
function observe(
  { weight, old, grids, clock, seeds, partials }: ReferenceInputs,
  params: Numbers,
  rounding: number,
  slotElements: number,
): Float64Array {
  const { networks, inner, firstSlot, allSlots, period } = params;
  const result = partials.slice();
  const isDue = clock[0] % period === 0;
  for (let network = 0; network < networks; network++) {
    const grid = gridOf(grids, network, params);
    const uniformOf = uniformsOf(seeds[network], params.stream, clock[0]);
    const origin = 4 * Math.floor(network * inner / 4);
    const slots = Math.ceil((4 * Math.ceil((network + 1) * inner / 4) - origin) / slotElements);
    const start = 4 * (network * allSlots + firstSlot);
    result.fill(0, start, start + 4 * slotsOf(inner, networks, slotElements));
    for (let slot = 0; slot < slots; slot++) {
      for (let k = 0; k < slotElements; k++) {
        const i = origin + slot * slotElements + k;
        if (i < network * inner || i >= (network + 1) * inner) continue;
        const [now, then] = [weight[i], old[i]];
        const uniform = uniformOf(i - network * inner);
        const code = (x: number) => levelCode(x, grid, rounding, uniform);
        const value = isDue ? fround(code(now) * grid.scale) : now;
        const sums = result.subarray(start + 4 * slot);
        sums[0] += now !== then ? 1 : 0;
        sums[1] += isDue && now !== then && code(now) === code(then) ? 1 : 0;
        sums[2] += value === 0 ? 1 : 0;
        sums[3] += value * value;
      }
    }
  }
  return result;
}

/**
 * Counts the workgroups that observe one weight of one network.
 *
 * @param inner Weights of a network.
 * @param networks How many networks; where they share vectors, a network may begin inside one.
 * @param slotElements Weights that a workgroup goes through.
 * @returns How many.
 */
export function slotsOf(inner: number, networks: number, slotElements: number): number {
  const shared = networks > 1 && inner % 4 !== 0 ? 4 : 0;
  return Math.ceil((4 * Math.ceil(inner / 4) + shared) / slotElements);
}

function gridOf(grids: Float64Array, network: number, { levels }: Numbers): LevelGrid {
  return { scale: grids[2 * network], inverseScale: grids[2 * network + 1], levels };
}

function uniformsOf(seed: number, stream: number, clock: number): (element: number) => number {
  const key = streamKey(streamKey(seed, stream), clock);
  return (element) => uniformAt(key, element);
}

/**
 * The requantize kernels on the host; see `requantize.wgsl` for the formulas.
 *
 * @param inputs Every tensor that the entry reads or updates.
 * @param params Of the kernel.
 * @param rounding A value of {@link REQUANTIZE_ROUNDING}.
 * @param slotElements Weights that a workgroup of `observe` goes through.
 * @param entry Of the kernel.
 * @returns Every tensor that the entry writes.
 */
export function referenceRequantize(
  inputs: ReferenceInputs,
  params: Numbers,
  rounding: number,
  slotElements: number,
  entry: string,
): Record<string, Float64Array | undefined> {
  const { networks, inner, allSlots, weights, capacity, levels, period } = params;
  const { clock, seeds, grids, x } = inputs;
  if (entry === "measure") {
    const scales = new Float64Array(2 * networks);
    for (let p = 0; p < networks; p++) {
      const own = inputs.weight.subarray(p * inner, (p + 1) * inner);
      const most = own.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
      scales[2 * p] = most === 0 ? 1 : Math.max(fround(most / levels), 2 ** -120);
      scales[2 * p + 1] = fround(1 / scales[2 * p]);
    }
    return { scales };
  }
  if (entry === "observe") return { partials: observe(inputs, params, rounding, slotElements) };
  if (entry === "record") {
    const ring = inputs.ring.slice();
    for (let p = 0; p < networks; p++) {
      const total = [0, 0, 0, 0];
      for (let k = 0; k < 4 * allSlots; k++) total[k % 4] += inputs.sums[4 * p * allSlots + k];
      const row = 3 * ((clock[0] - 1) % capacity * networks + p);
      ring[row] = total[1] / Math.max(total[0], 1);
      ring[row + 1] = total[2] / weights;
      ring[row + 2] = Math.sqrt(total[3]);
    }
    return { ring };
  }
  const isDue = entry === "shadow" || clock[0] % period === 0;
  const quantized = x.map((value, i) => {
    const network = Math.floor(i / inner);
    const uniform = uniformsOf(seeds[network], params.stream, clock[0])(i % inner);
    const grid = gridOf(grids, network, params);
    return fround(levelCode(value, grid, rounding, uniform) * grid.scale);
  });
  if (entry === "inPlace") {
    const now = isDue ? quantized : x;
    return { x: now, before: now };
  }
  const clipped = x.map((value, i) => {
    const most = fround(levels * grids[2 * Math.floor(i / inner)]);
    return Math.min(Math.max(value, -most), most);
  });
  return { x: clipped, before: clipped, quantized };
}
