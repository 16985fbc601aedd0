import { type Range, rangesOf } from "../affine.ts";
import { leastSquaresRange } from "../observers/mean_squared_error.ts";
import type { ObserverSpec, WeightObserverSpec } from "../observers/spec.ts";
import type { WeightGrid } from "../quantized_weight.ts";
import { affineGrid } from "./affine_grid.ts";
import { binaryGrid, ternaryGrid } from "./few_levels.ts";
import { groupSizeOf } from "./granularity.ts";
import { lloydMaxGrid } from "./lloyd_max.ts";
import { additivePowersOfTwoGrid, powersOfTwoGrid } from "./powers_of_two.ts";
import type {
  BinaryGridSpec,
  FittedGridSpec,
  Granularity,
  LloydMaxGridSpec,
  SpanningGridSpec,
  TernaryGridSpec,
  WeightGridSpec,
} from "./spec.ts";

/** How grids that span a range are chosen. */
export interface SpanningGridOptions {
  /** The kind of grid. */
  readonly grid: SpanningGridSpec;
  /** Which weights share one. */
  readonly granularity: Granularity;
  /** How the range that a grid spans is found; the smallest and largest value if left out. */
  readonly observer?: WeightObserverSpec;
  /** Name of the weight, for errors. */
  readonly label?: string;
}

/** How grids of two or three levels are chosen, which find their scale themselves. */
export interface FewLevelsGridOptions {
  /** The kind of grid. */
  readonly grid: TernaryGridSpec | BinaryGridSpec;
  /** Which weights share one. */
  readonly granularity: Granularity;
  /** Nothing to observe. */
  readonly observer?: undefined;
  /** Name of the weight, for errors. */
  readonly label?: string;
}

/** How grids of optimal levels are chosen. */
export interface LloydMaxGridOptions {
  /** The kind of grid. */
  readonly grid: LloydMaxGridSpec;
  /** Whole channels at least: a table of levels is too much for a group. */
  readonly granularity: Exclude<Granularity, object>;
  /** Nothing to observe. */
  readonly observer?: undefined;
  /** Name of the weight, for errors. */
  readonly label?: string;
}

/** The options without what ties them together. */
interface AnyGridOptions {
  readonly grid: WeightGridSpec;
  readonly granularity: Granularity;
  readonly observer?: ObserverSpec;
  readonly label?: string;
}

/** How the grids of one weight are chosen; frozen data, part of a trial. */
export type WeightGridOptions = SpanningGridOptions | FewLevelsGridOptions | LloydMaxGridOptions;

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
  // callers without types can ask for more than the options allow
  const { grid, granularity, observer, label }: AnyGridOptions = options;
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
  if (!spansRange(grid)) {
    if (observer !== undefined) {
      throw new RangeError(
        `Cannot choose ${grid.kind} grids for ${subject}: they fit their levels themselves: a ` +
          `${observer.kind} observer was given`,
      );
    }
    if (grid.kind === "lloydMax" && typeof granularity === "object") {
      throw new RangeError(
        `Cannot choose lloydMax grids for ${subject}: a table of levels is for a tensor or a ` +
          `channel: groups of ${groupSize} were asked for`,
      );
    }
    return groupsOf(values, groupSize).map((group) => fittedGrid(group, grid));
  }
  const gridOf = (range: Range) => spanningGrid(range, grid);
  return groupsOf(values, groupSize).map((group) =>
    gridOf(weightRange(group, observer ?? { kind: "minMax" }, gridOf))
  );
}

function groupsOf(values: Float32Array, groupSize: number): Float32Array[] {
  return Array.from(
    { length: values.length / groupSize },
    (_, i) => values.subarray(i * groupSize, (i + 1) * groupSize),
  );
}

function spansRange(grid: WeightGridSpec): grid is SpanningGridSpec {
  return grid.kind !== "lloydMax" && grid.kind !== "ternary" && grid.kind !== "binary";
}

function spanningGrid(range: Range, spec: SpanningGridSpec): WeightGrid {
  switch (spec.kind) {
    case "affine":
      return affineGrid(range, spec);
    case "powersOfTwo":
      return powersOfTwoGrid(range, spec);
    case "additivePowersOfTwo":
      return additivePowersOfTwoGrid(range, spec);
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
  gridOf: (range: Range) => WeightGrid,
): Range {
  if (observer.kind === "fixed") return observer.range;
  const [widest] = rangesOf(values, 1);
  return observer.kind === "minMax" ? widest : leastSquaresRange({ values }, widest, gridOf);
}
