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
 * @returns The range.
 * @throws {RangeError} If the percentile is not more than 50 and at most 100.
 */
export function rangeOfHistogram(
  histogram: Histogram,
  spec: CountedObserverSpec,
  grid: AffineGridSpec,
): Range {
  switch (spec.kind) {
    case "percentile":
      return percentileRange(histogram, spec.percentile);
    case "meanSquaredError":
      return leastSquaresRange(
        histogramPoints(histogram),
        histogram.ends,
        (range) => affineGrid(range, grid),
      );
    case "entropy":
      return entropyRange(histogram, grid.bits);
  }
}
