import type { AffineGrid } from "../affine.ts";
import type { IntegerShortcut } from "./integer_shortcut.ts";
import type { IntegerWeight } from "./integer_weight.ts";
import { withIntegers } from "./with_integers.ts";

/** Largest int32. */
const MOST = 2 ** 31 - 1;

/**
 * Finds how far codes of a grid are from that of 0.
 *
 * @param grid The grid.
 * @returns Largest |q - z|.
 */
export function largestStep({ qMin, qMax, zeroPoint }: AffineGrid): number {
  return Math.max(qMax - zeroPoint, zeroPoint - qMin);
}

/**
 * Bounds what the accumulators of a layer can reach, whatever its input.
 *
 *     max over outputs of  (P + |bias_q| + S) positions
 *
 * P is the most that products (q_x - z_x)(q_w - z_w) of one sign sum to. S = max |q_s - z_s| 2^max(k, 0)
 * is no less than what a shortcut can add, whose multiplier is M 2^(k - 31) with M < 2^31, and than what
 * shifts left on the way there. Every partial sum, in any order, is within the bound too.
 *
 * @param weight Codes and zero points.
 * @param bias `[outputs]`, in units of the accumulators.
 * @param inputGrid Of the layer's input.
 * @param tail What is added, and how many positions are summed; nothing if left out.
 * @returns The largest magnitude.
 */
export function accumulatorBound(
  weight: IntegerWeight,
  bias: Int32Array,
  inputGrid: AffineGrid,
  tail: { readonly shortcut?: IntegerShortcut; readonly globalAverage?: number } = {},
): number {
  const { codes, zeroPoints } = weight;
  const { shortcut, globalAverage: positions = 1 } = tail;
  const [above, below] = [inputGrid.qMax, inputGrid.qMin].map((q) => q - inputGrid.zeroPoint);
  const addedTo = (output: number) => {
    if (shortcut === undefined || shortcut.multipliers[output] === 0) return 0;
    return largestStep(shortcut.grid) * 2 ** Math.max(shortcut.fixedPoints[output].shift, 0);
  };
  const row = codes.length / zeroPoints.length;
  const bounds = Array.from(zeroPoints, (zero, output) => {
    let [most, least] = [0, 0];
    for (let i = output * row; i < (output + 1) * row; i++) {
      const step = codes[i] - zero;
      most += step * (step > 0 ? above : below);
      least += step * (step > 0 ? below : above);
    }
    const products = Math.max(most, -least);
    return (products + Math.abs(bias[output]) + addedTo(output)) * positions;
  });
  return bounds.reduce((a, b) => Math.max(a, b), 0);
}

/**
 * Refuses a layer whose accumulators might leave an int32, where they would wrap silently.
 *
 * @param layer Its name, for the error.
 * @param bound From {@link accumulatorBound}.
 * @throws {RangeError} If the bound is beyond 2^31 - 1.
 */
export function checkAccumulators(layer: string, bound: number): void {
  if (bound <= MOST) return;
  throw new RangeError(
    `Cannot ${withIntegers(layer)}: accumulators must fit an int32, at most ${MOST}: ` +
      `sums may come to ${bound}; use fewer bits or fewer inputs`,
  );
}
