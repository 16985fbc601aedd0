import type { Range } from "../affine.ts";

/**
 * Leaves out the same share of values at either end of the range, exactly.
 *
 *     hi = the ceil(p n / 100)-th smallest value, lo = the ceil(p n / 100)-th largest
 *
 * @param values All of them, finite.
 * @param percentile p, more than 50 and at most 100.
 * @returns The range.
 */
export function exactPercentile(values: Float32Array, percentile: number): Range {
  const ascending = values.slice().sort();
  const rank = Math.max(Math.ceil(values.length * percentile / 100), 1);
  return { low: ascending[values.length - rank], high: ascending[rank - 1] };
}
