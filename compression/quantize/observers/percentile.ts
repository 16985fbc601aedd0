import type { Range } from "../affine.ts";
import { fromHistogram, percentileRange } from "./histogram.ts";
import type { RangeEstimator } from "./range_estimator.ts";

function refuse(percentile: number): void {
  if (!(percentile > 50 && percentile <= 100)) {
    throw new RangeError(
      `Cannot clip at a percentile: it must be more than 50 and at most 100: ${percentile}`,
    );
  }
}

/**
 * Leaves out the same share of values at either end of the range, to the width of a histogram's bin.
 *
 * @param percentile Percent of the values that lie below the upper end, and above the lower one.
 * @returns The estimator.
 * @throws {RangeError} If the percentile is not more than 50 and at most 100.
 */
export function percentile(percentile: number): RangeEstimator {
  refuse(percentile);
  return fromHistogram((histogram) => percentileRange(histogram, percentile));
}

/**
 * Leaves out the same share of values at either end of the range, exactly.
 *
 *     hi = the ceil(p n / 100)-th smallest value, lo = the ceil(p n / 100)-th largest
 *
 * @param values All of them, finite.
 * @param percentile p, more than 50 and at most 100.
 * @returns The range.
 * @throws {RangeError} If the percentile is out of range.
 */
export function exactPercentile(values: Float32Array, percentile: number): Range {
  refuse(percentile);
  const ascending = values.slice().sort();
  const rank = Math.max(Math.ceil(values.length * percentile / 100), 1);
  return { low: ascending[values.length - rank], high: ascending[rank - 1] };
}
