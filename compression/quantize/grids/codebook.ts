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
  return Float32Array.from(
    { length: levels.length - 1 },
    (_, i) => 0.5 * (levels[i] + levels[i + 1]),
  );
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
