import type { Range } from "../affine.ts";
import { type Histogram, SIDE_BINS } from "./histogram.ts";
import { LEAST_KEPT_BINS, MAGNITUDE_BINS } from "./magnitude_bins.ts";

/**
 * Computes the divergence of a histogram from itself clipped and quantized.
 *
 *     D = sum_j P_j ln(P_j / Q_j)
 *
 * P are the first `kept` bins with all later ones added to the last; Q are the same bins without the
 * later ones, each level's count spread evenly over those of its bins that are not empty.
 *
 * @param counts Of magnitudes, bin by bin.
 * @param kept Bins that are not clipped.
 * @param levels Levels that those bins are quantized to.
 * @returns The divergence in nats; infinite where clipped values meet an empty bin.
 */
export function clippingDivergence(counts: Float64Array, kept: number, levels: number): number {
  const sums = new Float64Array(levels);
  const filled = new Float64Array(levels);
  let inside = 0;
  for (let j = 0; j < kept; j++) {
    const level = Math.floor(j * levels / kept);
    sums[level] += counts[j];
    if (counts[j] > 0) filled[level]++;
    inside += counts[j];
  }
  let total = inside;
  for (let j = kept; j < counts.length; j++) total += counts[j];
  const clipped = total - inside;
  let divergence = 0;
  for (let j = 0; j < kept; j++) {
    const p = (counts[j] + (j === kept - 1 ? clipped : 0)) / total;
    if (p === 0) continue;
    if (counts[j] === 0) return Infinity;
    const level = Math.floor(j * levels / kept);
    divergence += p * Math.log(p * inside * filled[level] / sums[level]);
  }
  return divergence;
}

/** Counts of magnitudes, without 0 itself, in at most 2048 bins up to the greatest. */
function magnitudes({ counts, width }: Histogram): { counts: Float64Array; width: number } {
  let bins = Array.from(
    { length: SIDE_BINS },
    (_, k) => counts[SIDE_BINS + 1 + k] + counts[SIDE_BINS - 1 - k],
  );
  bins = bins.slice(0, bins.findLastIndex((count) => count > 0) + 1);
  if (bins.length <= MAGNITUDE_BINS) return { counts: Float64Array.from(bins), width };
  return {
    counts: Float64Array.from(
      { length: Math.ceil(bins.length / 2) },
      (_, k) => bins[2 * k] + (bins[2 * k + 1] ?? 0),
    ),
    width: 2 * width,
  };
}

/**
 * Finds the range of a histogram at which clipping and quantizing change the distribution least.
 *
 * One threshold cuts magnitudes on both sides. Values that are 0 are left out: every grid has 0. There are
 * at most 2048 bins to cut between, of a weight too, and none where a side has as many levels: from 11 bits
 * on for values of one sign on a grid that has no other, 12 else, this is the range of the values. No fewer than 128 are kept.
 *
 * What is clipped counts as if it lay in the last bin that is kept. Where that is a tall one, such as a
 * background that is the same everywhere, cutting behind it is cheap whatever it costs the network.
 *
 * @param histogram Counts.
 * @param bits Of the grid: 2^b levels for values of one sign, 2^(b-1) a side for both, but 2 at 1 bit.
 * @param isSymmetric Whether the grid has levels on both sides whatever the values are.
 * @returns The range.
 * @see Migacz 2017, 8-bit Inference with TensorRT, GPU Technology Conference
 */
export function entropyRange(
  histogram: Histogram,
  bits: number,
  isSymmetric: boolean,
): Range {
  const { low, high } = histogram.ends;
  const { counts, width } = magnitudes(histogram);
  const isTwoSided = isSymmetric || (low < 0 && high > 0);
  const levels = 2 ** (isTwoSided ? Math.max(bits - 1, 1) : bits);
  let best = counts.length;
  let least = Infinity;
  const first = Math.min(Math.max(levels, LEAST_KEPT_BINS), counts.length);
  for (let kept = first; kept <= counts.length; kept++) {
    const divergence = clippingDivergence(counts, kept, levels);
    // of equal ones the widest
    if (divergence <= least) {
      least = divergence;
      best = kept;
    }
  }
  const threshold = best * width;
  return { low: Math.max(low, -threshold), high: Math.min(high, threshold) };
}
