import { type Range, rangesOf } from "../affine.ts";
import { leastSquaresRange } from "../observers/mean_squared_error.ts";
import type { ObserverSpec } from "../observers/spec.ts";
import type { WeightGrid } from "../quantized_weight.ts";
import { affineGrid } from "./affine_grid.ts";
import { groupSizeOf } from "./granularity.ts";
import type { Granularity, WeightGridSpec } from "./spec.ts";

/** How the grids of one weight are chosen; frozen data, part of a trial. */
export interface WeightGridOptions {
  /** The kind of grid. */
  readonly grid: WeightGridSpec;
  /** Which weights share one. */
  readonly granularity: Granularity;
  /** How the range that a grid spans is found; the smallest and largest value if left out. */
  readonly observer?: ObserverSpec;
  /** Name of the weight, for errors. */
  readonly label?: string;
}

/**
 * Chooses the grids that a weight is rounded to, one a group.
 *
 * What every post-training method starts from: the grids are then its arguments.
 *
 * @param values The weight, row-major, outputs first.
 * @param shape `[outputs, ...]`.
 * @param options Kind of grid, granularity, observer and the weight's name.
 * @returns One grid a group of consecutive weights, in order.
 * @throws {RangeError} If the shape does not fit the values, a group does not divide a row, a value is
 *   not finite or the grid does not exist.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { chooseWeightGrids, dequantizeWeight, roundToGrids } from "@bitcliff/bitcliff";
 *
 * const weight = new Float32Array([-4, -1, 2, 3, 0.7, 0.31, 0, -0.7]);
 * const grids = chooseWeightGrids(weight, [2, 4], {
 *   grid: { kind: "affine", bits: 4, symmetric: true },
 *   granularity: "channel",
 * });
 * const quantized = roundToGrids(weight, [2, 4], grids, "nearestEven");
 * assert.deepEqual([...quantized.codes], [-8, -2, 4, 6, 7, 3, 0, -7]);
 * assert.equal(dequantizeWeight(quantized)[1], -1);
 * ```
 */
export function chooseWeightGrids(
  values: Float32Array,
  shape: readonly number[],
  { grid, granularity, observer = { kind: "minMax" }, label }: WeightGridOptions,
): WeightGrid[] {
  const groupSize = groupSizeOf(shape, granularity);
  const subject = label === undefined ? "a weight" : `"${label}"`;
  if (values.length !== shape.reduce((a, b) => a * b, 1)) {
    throw new RangeError(
      `Cannot choose grids for ${subject}: shape [${shape.join(", ")}] must fit its ` +
        `${values.length} values`,
    );
  }
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(
      `Cannot choose grids for ${subject}: value ${bad} must be finite: it is ${values[bad]}`,
    );
  }
  const gridOf = (range: Range) => affineGrid(range, grid);
  return rangesOf(values, values.length / groupSize).map((widest, i) => {
    const group = { values: values.subarray(i * groupSize, (i + 1) * groupSize) };
    return gridOf(observedRange(group.values, widest, observer, gridOf));
  });
}

function observedRange(
  values: Float32Array,
  widest: Range,
  observer: ObserverSpec,
  gridOf: (range: Range) => WeightGrid,
): Range {
  switch (observer.kind) {
    case "minMax":
      return widest;
    case "meanSquaredError":
      return leastSquaresRange({ values }, widest, gridOf);
    case "fixed":
      return observer.range;
  }
}
