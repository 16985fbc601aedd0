/** Distinct values in ascending order, with sums that make the cost of a cluster one subtraction. */
export interface SortedValues {
  /** Distinct values, ascending. */
  readonly values: Float64Array;
  /**
   * Mean of the values from one index to before another, each as often as it occurs or as important as
   * it is.
   */
  mean(from: number, to: number): number;
  /** Sum of their squared distances from that mean, likewise. */
  cost(from: number, to: number): number;
}

/**
 * Sorts values and sums them up.
 *
 * @param values Float32 values.
 * @param importance How much each counts, more than 0; 1 if left out.
 * @returns Distinct values, and means and costs of runs of them, in float64.
 */
export function sortValues(values: Float32Array, importance?: Float64Array): SortedValues {
  const ascending = importance === undefined
    ? undefined
    : Int32Array.from(values, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const sorted = ascending === undefined
    ? values.slice().sort()
    : Float32Array.from(ascending, (i) => values[i]);
  const distinct: number[] = [];
  const counts: number[] = [];
  sorted.forEach((value, at) => {
    const count = ascending === undefined ? 1 : importance![ascending[at]];
    if (value === distinct[distinct.length - 1]) counts[counts.length - 1] += count;
    else {
      distinct.push(value);
      counts.push(count);
    }
  });
  // sums of distances from the middle, so that little cancels
  const middle = values.reduce((sum, value) => sum + value, 0) / values.length;
  const weights = new Float64Array(distinct.length + 1);
  const sums = new Float64Array(distinct.length + 1);
  const squares = new Float64Array(distinct.length + 1);
  distinct.forEach((value, i) => {
    const distance = value - middle;
    weights[i + 1] = weights[i] + counts[i];
    sums[i + 1] = sums[i] + counts[i] * distance;
    squares[i + 1] = squares[i] + counts[i] * distance * distance;
  });
  return {
    values: Float64Array.from(distinct),
    mean(from, to) {
      const mean = middle + (sums[to] - sums[from]) / (weights[to] - weights[from]);
      // what a difference of sums loses must not carry a mean out of its run
      return Math.min(Math.max(mean, distinct[from]), distinct[to - 1]);
    },
    cost(from, to) {
      const sum = sums[to] - sums[from];
      return squares[to] - squares[from] - sum * sum / (weights[to] - weights[from]);
    },
  };
}
