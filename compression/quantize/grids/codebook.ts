import type { CodebookGrid } from "../quantized_weight.ts";

/** Below it float32 is subnormal, and some adapters flush it to 0. */
const LEAST = 2 ** -126;

/**
 * Makes a grid of listed levels.
 *
 * @param levels Ascending numbers; those that float32 cannot tell apart become one, subnormal ones 0.
 * @param numbers Numbers that all levels follow from, such as 1 for a scale; none but themselves if left
 *   out.
 * @returns The grid.
 */
export function codebookGrid(levels: ArrayLike<number>, numbers?: number): CodebookGrid {
  const rounded = Float32Array.from(levels, (level) => Math.abs(level) < LEAST ? 0 : level);
  return {
    kind: "codebook",
    levels: rounded.filter((level, i) => level !== rounded[i - 1]),
    ...numbers !== undefined && { numbers },
  };
}

/**
 * Counts the leading numbers of an ascending list that are not above x.
 *
 * @param x Any number.
 * @param ascending The list.
 * @param count How many of the list to look at.
 * @returns From 0 to `count`: the index of the first number above x.
 */
export function countNotAbove(x: number, ascending: ArrayLike<number>, count: number): number {
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
 * Finds the level nearest to a number.
 *
 * @param x Any number.
 * @param thresholds From `thresholdsOf`.
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
