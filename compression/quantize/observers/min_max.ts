import { endsOf, type Range } from "../affine.ts";
import type { RangeEstimator } from "./range_estimator.ts";

/**
 * Keeps the smallest and largest value of all batches.
 *
 * @returns The estimator.
 */
export function minMax(): RangeEstimator {
  let range: Range = { low: Infinity, high: -Infinity };
  return {
    take(batch) {
      const { low, high } = endsOf(batch);
      range = { low: Math.min(range.low, low), high: Math.max(range.high, high) };
    },
    range: () => range,
  };
}
