import type { Range } from "../affine.ts";

/**
 * Refuses a percentile that leaves no range.
 *
 * @param percentile Percent of the values.
 * @throws {RangeError} If it is not more than 50 and at most 100.
 */
export function refusePercentile(percentile: number): void {
  if (!(percentile > 50 && percentile <= 100)) {
    throw new RangeError(
      `Cannot clip at a percentile: it must be more than 50 and at most 100: ${percentile}`,
    );
  }
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
  refusePercentile(percentile);
  const ascending = values.slice().sort();
  const rank = Math.max(Math.ceil(values.length * percentile / 100), 1);
  return { low: ascending[values.length - rank], high: ascending[rank - 1] };
}
