import type { CodebookGrid } from "../quantized_weight.ts";

/** Below it float32 is subnormal, and some adapters flush it to 0. */
const LEAST = 2 ** -126;

/**
 * Makes a grid of listed levels.
 *
 * @param levels Ascending numbers; those that float32 cannot tell apart become one, subnormal ones 0.
 * @returns The grid.
 */
export function codebookGrid(levels: ArrayLike<number>): CodebookGrid {
  const rounded = Float32Array.from(levels, (level) => Math.abs(level) < LEAST ? 0 : level);
  return { kind: "codebook", levels: rounded.filter((level, i) => level !== rounded[i - 1]) };
}

/** Counts the leading numbers of an ascending list that are not above x. */
function countNotAbove(x: number, ascending: ArrayLike<number>, count: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Finds the thresholds between the levels of a codebook: midpoints, in float32.
 *
 * @param levels Ascending.
 * @returns One fewer than levels; a number at a threshold belongs to the level above it.
 */
export function thresholdsOf(levels: Float32Array): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: levels.length - 1 }, (_, i) => {
    const middle = Math.fround((levels[i] + levels[i + 1]) / 2);
    // beside neighbors in float32 there is no middle, and a level must stay its own
    return middle > levels[i] ? middle : levels[i + 1];
  });
}

/**
 * Finds the level nearest to a number.
 *
 * @param x Any number.
 * @param thresholds From {@link thresholdsOf}.
 * @returns Its code; of two equally near levels that of the higher.
 */
export function nearestLevel(x: number, thresholds: Float32Array): number {
  return countNotAbove(x, thresholds, thresholds.length);
}

/**
 * Finds the greatest level that is not above a number.
 *
 * @param x Any number.
 * @param levels Ascending.
 * @returns Its code; 0 below all levels.
 */
export function levelBelow(x: number, levels: Float32Array): number {
  return Math.max(countNotAbove(x, levels, levels.length) - 1, 0);
}
