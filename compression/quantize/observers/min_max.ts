import type { Range } from "../affine.ts";
import type { RangeEstimator } from "./range_estimator.ts";

/**
 * Finds the smallest and largest value.
 *
 * @param batch Finite values, at least one.
 * @returns Both.
 */
export function endsOf(batch: Float32Array): Range {
  let low = Infinity;
  let high = -Infinity;
  for (const value of batch) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

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
