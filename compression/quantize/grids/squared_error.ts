import { thresholdsOf } from "../../../kernels/mod.ts";
import type { WeightGrid } from "../quantized_weight.ts";
import { nearestLevel } from "./codebook.ts";

/** Values, each as often as its count says. */
export interface Points {
  /** Float32 values. */
  readonly values: Float32Array;
  /** How often each occurs; once if left out. */
  readonly counts?: Float64Array;
}

/**
 * Sums the squared distances of values from the nearest numbers of a grid.
 *
 *     sum_i c_i (x_i - x_hat_i)^2
 *
 * @param points Values and how often each occurs.
 * @param grid The grid.
 * @returns The sum, in float64; and of x x_hat and x_hat^2, which tell how to rescale the grid.
 */
export function squaredError(
  { values, counts }: Points,
  grid: WeightGrid,
): { readonly error: number; readonly product: number; readonly square: number } {
  let error = 0;
  let product = 0;
  let square = 0;
  const valueAt = nearestOf(grid);
  for (let i = 0; i < values.length; i++) {
    const x = values[i];
    const y = valueAt(x);
    const count = counts === undefined ? 1 : counts[i];
    error += count * (x - y) * (x - y);
    product += count * x * y;
    square += count * y * y;
  }
  return { error, product, square };
}

/** The number of a grid nearest to x; which of two equally near ones does not matter to an error. */
function nearestOf(grid: WeightGrid): (x: number) => number {
  if (grid.kind === "affine") {
    const { scale, inverseScale, zeroPoint, qMin, qMax } = grid;
    const low = qMin - zeroPoint;
    const high = qMax - zeroPoint;
    return (x) => scale * Math.min(Math.max(Math.round(x * inverseScale), low), high);
  }
  const { levels } = grid;
  const thresholds = thresholdsOf(levels);
  return (x) => levels[nearestLevel(x, thresholds)];
}
