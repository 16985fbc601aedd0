import type { Range } from "../affine.ts";
import { affineGrid } from "../grids/affine_grid.ts";
import type { AffineGridSpec } from "../grids/spec.ts";
import { entropyRange } from "./entropy.ts";
import { type Histogram, histogramPoints, percentileRange } from "./histogram.ts";
import { leastSquaresRange } from "./mean_squared_error.ts";
import type { EntropyObserver, MeanSquaredErrorObserver, PercentileObserver } from "./spec.ts";

/** How a range is found from counts of values. */
export type CountedObserverSpec = PercentileObserver | MeanSquaredErrorObserver | EntropyObserver;

/**
 * Finds a range from a histogram.
 *
 * @param histogram Counts of all values.
 * @param spec How the range is found.
 * @param grid The grid that it is for.
 * @param label Whose values they are, for errors.
 * @returns The range.
 * @throws {RangeError} If least squares are asked for and values are more than 2^120 apart.
 */
export function rangeOfHistogram(
  histogram: Histogram,
  spec: CountedObserverSpec,
  grid: AffineGridSpec,
  label: string,
): Range {
  switch (spec.kind) {
    case "percentile":
      return percentileRange(histogram, spec.percentile);
    case "meanSquaredError":
      return leastSquaresRange(
        histogramPoints(histogram),
        histogram.ends,
        (range) => affineGrid(range, grid, label),
        label,
      );
    case "entropy":
      return entropyRange(histogram, grid.bits, grid.symmetric === true);
  }
}
