import { endsOf, type Range } from "../affine.ts";
import type { Points } from "../grids/squared_error.ts";
import { powerOfTwoAbove } from "../grids/power.ts";
import type { RangeEstimator } from "./range_estimator.ts";

/** Bins on each side of 0; at least half of those on the wider side are in use. */
export const SIDE_BINS = 4096;

/**
 * Counts of values in bins of equal width, a power of two, on both sides of 0.
 *
 * Bin k > 0 holds (k - 1) width < x <= k width, bin -k the same below 0, and bin 0 nothing but 0 itself,
 * which every grid has. When a value lies beyond the last bin the width doubles and bins join in pairs,
 * so the counts are those of all values at the final width, whatever the order of batches.
 */
export interface Histogram {
  /** Width of a bin, in units of the values. */
  readonly width: number;
  /** `[2 SIDE_BINS + 1]`: bin k at index SIDE_BINS + k. */
  readonly counts: Float64Array;
  /** Smallest and largest value. */
  readonly ends: Range;
}

/** The number of the bin that a value falls into. */
function binOf(value: number, width: number): number {
  return value < 0 ? -Math.ceil(-value / width) : Math.ceil(value / width);
}

/** The same counts in bins `2^k` times as wide. */
function widened({ counts, width }: Histogram, wanted: number): Float64Array {
  if (wanted === width) return counts;
  const joined = new Float64Array(counts.length);
  counts.forEach((count, i) => {
    joined[SIDE_BINS + binOf((i - SIDE_BINS) * width, wanted)] += count;
  });
  return joined;
}

/** The width at which a range fits. */
function widthFor({ low, high }: Range): number {
  const most = Math.max(-low, high);
  // a bin is never subnormal
  return Math.max(most === 0 ? 0 : powerOfTwoAbove(most) / SIDE_BINS, 2 ** -126);
}

/**
 * Counts a batch of values.
 *
 * @param batch Finite values, at least one.
 * @param times How often each occurs; once if left out.
 * @returns The histogram.
 */
export function histogramOf(batch: Float32Array, times?: Float64Array): Histogram {
  const ends = endsOf(batch);
  const width = widthFor(ends);
  const counts = new Float64Array(2 * SIDE_BINS + 1);
  for (let i = 0; i < batch.length; i++) {
    counts[SIDE_BINS + binOf(batch[i], width)] += times === undefined ? 1 : times[i];
  }
  return { width, counts, ends };
}

/**
 * Adds the counts of two histograms, at the greater of their widths.
 *
 * @param a One.
 * @param b The other.
 * @returns The histogram of all values of both.
 */
function mergeHistograms(a: Histogram, b: Histogram): Histogram {
  const width = Math.max(a.width, b.width);
  const [left, right] = [widened(a, width), widened(b, width)];
  return {
    width,
    counts: left.map((count, i) => count + right[i]),
    ends: { low: Math.min(a.ends.low, b.ends.low), high: Math.max(a.ends.high, b.ends.high) },
  };
}

/**
 * Gives the values that the bins stand for: their middles, and 0 itself.
 *
 * @param histogram Counts.
 * @returns One value a bin that is not empty, and how often it occurs.
 */
export function histogramPoints({ counts, width }: Histogram): Required<Points> {
  const filled = [...counts.keys()].filter((i) => counts[i] > 0);
  return {
    values: Float32Array.from(filled, (i) => {
      const k = i - SIDE_BINS;
      return (k - Math.sign(k) / 2) * width;
    }),
    counts: Float64Array.from(filled, (i) => counts[i]),
  };
}

/**
 * Finds the range that leaves out the same share of values at either end.
 *
 * @param histogram Counts.
 * @param percentile Percent of the values that lie below the upper end, and above the lower one: more
 *   than 50, at most 100.
 * @returns Outer edges of the bins where the two shares are reached, or the ends of the values.
 */
export function percentileRange({ width, counts, ends }: Histogram, percentile: number): Range {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const wanted = total * percentile / 100;
  const edge = (from: number, step: 1 | -1): number => {
    let seen = 0;
    let i = from;
    while ((seen += counts[i]) < wanted) i += step;
    const k = i - SIDE_BINS;
    return (k * step < 0 ? k + step : k) * width;
  };
  return {
    low: Math.max(edge(counts.length - 1, -1), ends.low),
    high: Math.min(edge(0, 1), ends.high),
  };
}

/**
 * Estimates a range from the histogram of all values.
 *
 * @param rangeOf Finds the range.
 * @returns The estimator.
 */
export function fromHistogram(rangeOf: (histogram: Histogram) => Range): RangeEstimator {
  let seen: Histogram | undefined;
  return {
    take(batch) {
      const counted = histogramOf(batch);
      seen = seen === undefined ? counted : mergeHistograms(seen, counted);
    },
    range: () => rangeOf(seen!),
  };
}
