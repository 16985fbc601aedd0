import type { AffineGrid } from "../affine.ts";
import type { IntegerWeight } from "./integer_weight.ts";
import { withIntegers } from "./with_integers.ts";

/** Largest int32. */
const MOST = 2 ** 31 - 1;

/**
 * Bounds what the accumulators of a layer can reach, whatever its input.
 *
 *     max over outputs of  max |q_x - z_x| sum |q_w - z_w| + |bias_q|
 *
 * Every partial sum, in any order, is within the bound too.
 *
 * @param weight Codes and zero points.
 * @param bias `[outputs]`, in units of the accumulators.
 * @param inputGrid Of the layer's input.
 * @returns The largest magnitude.
 */
export function accumulatorBound(
  weight: IntegerWeight,
  bias: Int32Array,
  inputGrid: AffineGrid,
): number {
  const { codes, zeroPoints } = weight;
  const { qMin, qMax, zeroPoint } = inputGrid;
  const largest = Math.max(qMax - zeroPoint, zeroPoint - qMin);
  const row = codes.length / zeroPoints.length;
  const bounds = Array.from(zeroPoints, (zero, output) => {
    let sum = 0;
    for (let i = output * row; i < (output + 1) * row; i++) sum += Math.abs(codes[i] - zero);
    return largest * sum + Math.abs(bias[output]);
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
      `some input would sum to ${bound}; use fewer bits or fewer inputs`,
  );
}
