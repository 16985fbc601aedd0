import type { SortedValues } from "./sorted_values.ts";

/**
 * Finds the clusters of sorted values with the least sum of squared distances from their means.
 *
 *     D[k][j] = min_i D[k-1][i] + cost(i, j)
 *
 * The best i grows with j, so halving the range of j halves that of i: O(n k log n).
 *
 * @param sorted Distinct values with sums.
 * @param count Clusters, at most as many as values.
 * @returns Index of the first value of each cluster.
 * @see Wang and Song 2011 (Ckmeans.1d.dp), doi:10.32614/RJ-2011-015; Grønlund et al. 2017,
 *   arXiv:1701.07204
 */
export function exactClusters(sorted: SortedValues, count: number): number[] {
  const size = sorted.values.length;
  let before = Float64Array.from({ length: size + 1 }, (_, j) => j === 0 ? 0 : sorted.cost(0, j));
  const firsts: Int32Array[] = [];
  for (let k = 2; k <= count; k++) {
    const after = new Float64Array(size + 1).fill(Infinity);
    const first = new Int32Array(size + 1);
    const previous = before;
    // all ends j from `low` to `high`; the last cluster begins from `least` to `most`
    const solve = (low: number, high: number, least: number, most: number): void => {
      if (low > high) return;
      const end = (low + high) >> 1;
      let best = Infinity;
      let start = least;
      for (let i = least; i <= Math.min(most, end - 1); i++) {
        const total = previous[i] + sorted.cost(i, end);
        if (total < best) {
          best = total;
          start = i;
        }
      }
      after[end] = best;
      first[end] = start;
      solve(low, end - 1, least, start);
      solve(end + 1, high, start, most);
    };
    solve(k, size, k - 1, size - 1);
    firsts.push(first);
    before = after;
  }
  const starts: number[] = [];
  for (let k = firsts.length - 1, end = size; k >= 0; k--) {
    end = firsts[k][end];
    starts.unshift(end);
  }
  return [0, ...starts];
}
