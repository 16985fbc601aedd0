import { roundHalfEven } from "../../../kernels/mod.ts";
import type { QuantizedWeight, WeightGrid } from "../quantized_weight.ts";
import { levelBelow, nearestLevel, thresholdsOf } from "./codebook.ts";

/** How a number between two of a grid becomes one of them. */
export type WeightRounding = "nearestEven" | "towardZero" | "down";

const { fround } = Math;

const TO_INTEGER: Readonly<Record<WeightRounding, (value: number) => number>> = {
  nearestEven: roundHalfEven,
  towardZero: Math.trunc,
  down: Math.floor,
};

/**
 * Makes the function that rounds numbers to a grid.
 *
 *     affine     q = clamp(toInteger(x r) + z, qMin, qMax), in float32, as the fake-quantize kernel does
 *     codebook   the nearest level (of two equally near ones the higher), the next level toward zero,
 *                or the next level below
 *
 * @param grid The grid.
 * @param rounding How to round.
 * @returns From a float32 to its code.
 */
export function roundingTo(grid: WeightGrid, rounding: WeightRounding): (x: number) => number {
  if (grid.kind === "affine") {
    const { inverseScale, zeroPoint, qMin, qMax } = grid;
    const toInteger = TO_INTEGER[rounding];
    return (x) => Math.min(Math.max(toInteger(fround(x * inverseScale)) + zeroPoint, qMin), qMax);
  }
  const { levels } = grid;
  const last = levels.length - 1;
  const below = (x: number) => levelBelow(x, levels);
  const above = (x: number) => Math.min(below(x) + (levels[below(x)] < x ? 1 : 0), last);
  switch (rounding) {
    case "nearestEven": {
      const thresholds = thresholdsOf(levels);
      return (x) => nearestLevel(x, thresholds);
    }
    case "towardZero":
      return (x) => x < 0 ? above(x) : below(x);
    case "down":
      return below;
  }
}

/**
 * Rounds a weight to its grids: round-to-nearest, the method that all others are measured by.
 *
 * @param values The weight, row-major, outputs first.
 * @param shape `[outputs, ...]`.
 * @param grids One a group of consecutive weights, from `chooseWeightGrids`.
 * @param rounding How to round.
 * @returns Codes and grids.
 * @throws {RangeError} If the shape or the grids do not fit the values, or a value is NaN.
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
  const codes = Int32Array.from(values, (x, i) => codeOf[Math.floor(i / groupSize)](x));
  return { shape: [...shape], groupSize, grids: [...grids], codes };
}
