import { endsOf, type Range } from "../affine.ts";
import type { RangeEstimator } from "./range_estimator.ts";

/**
 * Averages the ends of the batches' ranges, the newest counting most.
 *
 *     lo <- (1 - m) lo + m min(batch),   hi <- (1 - m) hi + m max(batch)
 *
 * from the first batch's range on.
 *
 * @param momentum m, the share of the newest batch, more than 0 and at most 1.
 * @returns The estimator.
 * @see Jacob et al. 2018, arXiv:1712.05877, section 3.1
 */
export function movingAverage(momentum: number): RangeEstimator {
  let range: Range | undefined;
  return {
    take(batch) {
      const { low, high } = endsOf(batch);
      range = range === undefined ? { low, high } : {
        low: range.low + momentum * (low - range.low),
        high: range.high + momentum * (high - range.high),
      };
    },
    range: () => range!,
  };
}
