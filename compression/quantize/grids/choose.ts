import { endsOf, type Range } from "../affine.ts";
import { requireFinite } from "../finite.ts";
import { entropyRange } from "../observers/entropy.ts";
import { histogramOf } from "../observers/histogram.ts";
import { leastSquaresRange } from "../observers/mean_squared_error.ts";
import { observerMistakes } from "../observers/observer_mistakes.ts";
import { exactPercentile } from "../observers/percentile.ts";
import type { WeightObserverSpec } from "../observers/spec.ts";
import type { WeightGrid } from "../quantized_weight.ts";
import { affineGrid } from "./affine_grid.ts";
import { binaryGrid, ternaryGrid } from "./few_levels.ts";
import { groupSizeOf } from "./granularity.ts";
import { type AnyGridOptions, combinationMistakes, gridSpecMistakes } from "./grid_mistakes.ts";
import { lloydMaxGrid } from "./lloyd_max.ts";
import type { WeightGridOptions } from "./options.ts";
import { additivePowersOfTwoGrid, powersOfTwoGrid } from "./powers_of_two.ts";
import { codeBits, type FittedGridSpec, isSpanning, type SpanningGridSpec } from "./spec.ts";

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
  options: WeightGridOptions,
): WeightGrid[] {
  const { grid, observer, label } = options;
  const groups = groupsToChooseFor(values, shape, options);
  if (!isSpanning(grid)) return groups.map((group) => fittedGrid(group, grid));
  const gridOf = (range: Range) => spanningGrid(range, grid, label);
  const chosen = observer ?? { kind: "minMax" };
  return groups.map((group) => gridOf(weightRange(group, chosen, grid, gridOf, label)));
}

/**
 * Splits a weight into what shares a grid, once it is sure that grids can be chosen for it.
 *
 * @param values The weight, row-major, outputs first.
 * @param shape `[outputs, ...]`.
 * @param options Kind of grid, granularity, observer and the weight's name.
 * @returns Views of consecutive weights, in order.
 * @throws {RangeError} As {@link chooseWeightGrids}.
 */
export function groupsToChooseFor(
  values: Float32Array,
  shape: readonly number[],
  options: WeightGridOptions,
): Float32Array[] {
  const { granularity, label } = options;
  const groupSize = groupSizeOf(shape, granularity, label);
  const subject = label === undefined ? "a weight" : `"${label}"`;
  refuseImpossible(options, subject);
  if (values.length !== shape.reduce((a, b) => a * b, 1)) {
    throw new RangeError(
      `Cannot choose grids for ${subject}: shape [${shape.join(", ")}] must fit its ` +
        `${values.length} values`,
    );
  }
  requireFinite(`choose grids for ${subject}`, "its values", values);
  return Array.from(
    { length: values.length / groupSize },
    (_, i) => values.subarray(i * groupSize, (i + 1) * groupSize),
  );
}

/** Refuses what the types rule out, for callers that have none. */
function refuseImpossible(options: AnyGridOptions, subject: string): void {
  const { grid, observer } = options;
  const [reason] = [
    ...gridSpecMistakes(grid),
    ...combinationMistakes(options),
    ...observer === undefined ? [] : observerMistakes(observer, codeBits(grid)),
  ];
  if (reason === undefined) return;
  throw new RangeError(`Cannot choose ${grid.kind} grids for ${subject}: ${reason}`);
}

function spanningGrid(
  range: Range,
  spec: SpanningGridSpec,
  label: string | undefined,
): WeightGrid {
  switch (spec.kind) {
    case "affine":
      return affineGrid(range, spec, label);
    case "powersOfTwo":
      return powersOfTwoGrid(range, spec, label);
    case "additivePowersOfTwo":
      return additivePowersOfTwoGrid(range, spec, label);
  }
}

function fittedGrid(values: Float32Array, spec: FittedGridSpec): WeightGrid {
  switch (spec.kind) {
    case "lloydMax":
      return lloydMaxGrid(values, spec.bits);
    case "ternary":
      return ternaryGrid(values);
    case "binary":
      return binaryGrid(values);
  }
}

function weightRange(
  values: Float32Array,
  observer: WeightObserverSpec,
  grid: SpanningGridSpec,
  gridOf: (range: Range) => WeightGrid,
  label: string | undefined,
): Range {
  switch (observer.kind) {
    case "minMax":
      return endsOf(values);
    case "percentile":
      return exactPercentile(values, observer.percentile);
    case "meanSquaredError":
      return leastSquaresRange({ values }, endsOf(values), gridOf, label);
    case "entropy":
      return entropyRange(
        histogramOf(values),
        grid.bits,
        grid.kind === "affine" && grid.symmetric === true,
      );
    case "fixed":
      return observer.range;
  }
}
