import type { Bits } from "../bits.ts";
import type { CodebookGrid } from "../quantized_weight.ts";
import { codebookGrid, countNotAbove } from "./codebook.ts";
import { exactClusters } from "./exact_clusters.ts";
import { checkGridSpec } from "./grid_mistakes.ts";
import { type SortedValues, sortValues } from "./sorted_values.ts";

/** Distinct values times levels up to which the exact search is affordable: about half a second. */
const EXACT_CELLS = 2 ** 22;
/** Iterations of Lloyd's algorithm at most; it has come to rest long before. */
const ITERATIONS = 1000;

/**
 * Fits the 2^b levels that are nearest to weights in the mean of squares.
 *
 * Sorted values fall into consecutive clusters, whose means are the levels. Up to 2^22 pairs of a distinct
 * value and a level dynamic programming finds the best clusters of all; beyond, Lloyd's iterations
 * (nearest level, then means) start from the density that is best for many levels, f^(1/3), and end at a
 * local optimum. A level that loses all its values on the way goes to the cluster that costs most.
 *
 * @param values Weights that share the grid.
 * @param bits Bits of a code, 1 to 16.
 * @param importance How much the error of each value counts, more than 0, such as the diagonal of a
 *   Hessian; 1 if left out.
 * @returns 2^b levels, or fewer: the values themselves if there are not more of them.
 * @throws {RangeError} If the bits are out of range, or there is not one importance a value.
 * @see Lloyd 1982, doi:10.1109/TIT.1982.1056489; Wang and Song 2011, doi:10.32614/RJ-2011-015;
 *   Panter and Dite 1951, doi:10.1109/JRPROC.1951.230419; importance: Kim et al. 2023, arXiv:2306.07629
 */
export function lloydMaxGrid(
  values: Float32Array,
  bits: number,
  importance?: Float64Array,
): CodebookGrid {
  checkGridSpec({ kind: "lloydMax", bits: bits as Bits });
  if (importance !== undefined && !fitsValues(importance, values)) {
    throw new RangeError(
      `Cannot make a lloydMax grid of ${values.length} values: each must have an importance of more ` +
        `than 0: there are ${importance.filter((one) => one > 0 && one < Infinity).length}`,
    );
  }
  const count = 2 ** bits;
  const sorted = sortValues(values, importance);
  const size = sorted.values.length;
  if (size <= count) return codebookGrid(sorted.values);
  const starts = size * count <= EXACT_CELLS
    ? exactClusters(sorted, count)
    : lloydClusters(sorted, count);
  return codebookGrid(starts.map((start, k) => sorted.mean(start, starts[k + 1] ?? size)));
}

function fitsValues(importance: Float64Array, values: Float32Array): boolean {
  return importance.length === values.length &&
    importance.every((one) => one > 0 && one < Infinity);
}

/** Clusters by Lloyd's iterations; each costs one binary search a level. */
function lloydClusters(sorted: SortedValues, count: number): number[] {
  const size = sorted.values.length;
  let starts = startingClusters(sorted.values, count);
  for (let i = 0; i < ITERATIONS; i++) {
    const means = starts.map((start, k) => sorted.mean(start, starts[k + 1] ?? size));
    const next = means
      .map((mean, k) => k === 0 ? 0 : firstAbove(sorted, (means[k - 1] + mean) / 2))
      // a level with a gap around it may lose all its values
      .filter((start, k, all) => start < size && start !== all[k - 1]);
    while (next.length < count) splitCostliest(sorted, next);
    if (next.every((start, k) => start === starts[k])) break;
    starts = next;
  }
  return starts;
}

/** Makes two clusters, below and above its mean, of the one that costs most; in place. */
function splitCostliest(sorted: SortedValues, starts: number[]): void {
  const endOf = (k: number) => starts[k + 1] ?? sorted.values.length;
  let worst = -1;
  let most = -Infinity;
  starts.forEach((start, k) => {
    // of one value there is nothing to split, whatever a difference of sums says that it costs
    const cost = endOf(k) - start > 1 ? sorted.cost(start, endOf(k)) : -Infinity;
    if (cost > most) [worst, most] = [k, cost];
  });
  const [start, end] = [starts[worst], endOf(worst)];
  const above = firstAbove(sorted, sorted.mean(start, end));
  starts.splice(worst + 1, 0, Math.min(Math.max(above, start + 1), end - 1));
}

/** Equal shares of the integral of f^(1/3), the spacings of sorted values standing for 1 / f. */
function startingClusters(values: Float64Array, count: number): number[] {
  const sums = new Float64Array(values.length);
  for (let i = 1; i < values.length; i++) {
    sums[i] = sums[i - 1] + Math.cbrt(values[i] - values[i - 1]) ** 2;
  }
  const total = sums[sums.length - 1];
  const starts = [0];
  for (let k = 1; k < count; k++) {
    const start = countNotAbove(total * k / count, sums, sums.length);
    // every cluster keeps a value, and leaves one for each that follows
    starts.push(Math.min(Math.max(start, starts[k - 1] + 1), values.length - count + k));
  }
  return starts;
}

/** Index of the first value above x. */
function firstAbove({ values }: SortedValues, x: number): number {
  return countNotAbove(x, values, values.length);
}
