import type { Rounding } from "../../../autograd/mod.ts";
import {
  roundHalfEven,
  roundStochastically,
  roundWithDeadZone,
  streamKey,
  thresholdsOf,
  uniformAt,
} from "../../../kernels/mod.ts";
import type { AffineGrid } from "../affine.ts";
import type { QuantizedWeight, WeightGrid } from "../quantized_weight.ts";
import { levelBelow, nearestLevel } from "./codebook.ts";

/** Rounding up or down at random, on the host; the same numbers as `StochasticRounding` on the GPU. */
export interface StochasticWeightRounding {
  /** Tells it from the roundings without chance. */
  readonly kind: "stochastic";
  /** Of the network. */
  readonly seed: number;
  /** Which weight it is: weights of one network must have different streams. */
  readonly stream: number;
  /** Step of training. */
  readonly step: number;
}

/** How a number between two of a grid becomes one of them; frozen data. */
export type WeightRounding = Rounding | StochasticWeightRounding;

/** From a float32 and its index in the weight to a code. */
export type RoundingFunction = (x: number, element: number) => number;

const { fround } = Math;

const TO_INTEGER: Readonly<Record<Rounding, (value: number) => number>> = {
  nearestEven: roundHalfEven,
  towardZero: Math.trunc,
  down: Math.floor,
  deadZone: roundWithDeadZone,
};

/**
 * Makes the function that rounds numbers to a grid.
 *
 *     affine     q = clamp(toInteger(x r) + z, qMin, qMax), in float32, as the fake-quantize kernels do
 *
 * Between two levels of a codebook `nearestEven` takes the nearer (of two equally near ones the higher),
 * `towardZero` and `down` the one on that side, `deadZone` 0 next to 0 and the nearer elsewhere, and
 * `stochastic` the higher with the probability (x - lower) / (higher - lower).
 *
 * @param grid The grid.
 * @param rounding How to round.
 * @returns From a float32 to a code.
 * @throws {RangeError} If a dead zone, or rounding toward zero, is asked of a codebook without 0.
 */
export function roundingTo(grid: WeightGrid, rounding: Rounding): (x: number) => number;
/**
 * Makes the function that rounds numbers to a grid, also at random.
 *
 * @param grid The grid.
 * @param rounding How to round.
 * @returns From a float32 and its index in the weight to a code.
 * @throws {RangeError} If a dead zone, or rounding toward zero, is asked of a codebook without 0.
 */
export function roundingTo(grid: WeightGrid, rounding: WeightRounding): RoundingFunction;
export function roundingTo(grid: WeightGrid, rounding: WeightRounding): RoundingFunction {
  return grid.kind === "affine" ? toAffine(grid, rounding) : toCodebook(grid.levels, rounding);
}

function uniformsOf({ seed, stream, step }: StochasticWeightRounding): (element: number) => number {
  const key = streamKey(streamKey(seed, stream), step);
  return (element) => uniformAt(key, element);
}

function toAffine(grid: AffineGrid, rounding: WeightRounding): RoundingFunction {
  const { inverseScale, zeroPoint, qMin, qMax } = grid;
  const clip = (q: number) => Math.min(Math.max(q + zeroPoint, qMin), qMax);
  if (typeof rounding === "object") {
    const uniformOf = uniformsOf(rounding);
    return (x, element) => clip(roundStochastically(fround(x * inverseScale), uniformOf(element)));
  }
  const toInteger = TO_INTEGER[rounding];
  return (x) => clip(toInteger(fround(x * inverseScale)));
}

function toCodebook(levels: Float32Array, rounding: WeightRounding): RoundingFunction {
  const last = levels.length - 1;
  const below = (x: number) => levelBelow(x, levels);
  const above = (x: number) => Math.min(below(x) + (levels[below(x)] < x ? 1 : 0), last);
  if (typeof rounding === "object") {
    const uniformOf = uniformsOf(rounding);
    return (x, element) => {
      const low = below(x);
      if (low === last || x <= levels[low]) return low;
      const share = (x - levels[low]) / (levels[low + 1] - levels[low]);
      return uniformOf(element) < share ? low + 1 : low;
    };
  }
  if (rounding === "down") return below;
  const thresholds = thresholdsOf(levels);
  if (rounding === "nearestEven") return (x) => nearestLevel(x, thresholds);
  const zero = levels.indexOf(0);
  if (zero < 0) {
    const action = rounding === "towardZero" ? "round toward zero" : "round with a dead zone";
    throw new RangeError(
      `Cannot ${action}: the levels must include 0: they are ${levels.join(", ")}`,
    );
  }
  if (rounding === "towardZero") return (x) => x < 0 ? above(x) : below(x);
  const [low, high] = [levels[zero - 1] ?? 0, levels[zero + 1] ?? 0];
  return (x) => low < x && x < high ? zero : nearestLevel(x, thresholds);
}

/**
 * Rounds a weight to its grids: round-to-nearest, the method that all others are measured by.
 *
 * @param values The weight, row-major, outputs first.
 * @param shape `[outputs, ...]`.
 * @param grids One a group of consecutive weights, from `chooseWeightGrids`.
 * @param rounding How to round.
 * @returns Codes and grids.
 * @throws {RangeError} If the shape or the grids do not fit the values, a value is NaN, or the rounding
 *   needs a level 0 that a grid does not have.
 */
export function roundToGrids(
  values: Float32Array,
  shape: readonly number[],
  grids: readonly WeightGrid[],
  rounding: WeightRounding = "nearestEven",
): QuantizedWeight {
  const groupSize = values.length / grids.length;
  if (!Number.isInteger(groupSize) || values.length !== shape.reduce((a, b) => a * b, 1)) {
    throw new RangeError(
      `Cannot round ${values.length} weights to ${grids.length} grids: they must fit shape ` +
        `[${shape.join(", ")}] and fall into equal groups`,
    );
  }
  const bad = values.findIndex(Number.isNaN);
  if (bad >= 0) {
    throw new RangeError(`Cannot round to a grid: value ${bad} must be a number: it is NaN`);
  }
  const codeOf = grids.map((grid) => roundingTo(grid, rounding));
  const codes = Int32Array.from(values, (x, i) => codeOf[Math.floor(i / groupSize)](x, i));
  return { shape: [...shape], groupSize, grids: [...grids], codes };
}
