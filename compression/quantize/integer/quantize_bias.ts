import { roundHalfEven } from "../../../kernels/mod.ts";
import { requireFinite } from "../finite.ts";
import { ofLabel } from "../of_label.ts";

/** Largest int32. */
const MOST = 2 ** 31 - 1;

/**
 * Rounds a bias to the unit of its layer's accumulators.
 *
 *     bias_q = round(b / (s_x s_w)),   to the nearest, ties to even, in float64
 *
 * The product of two float32 scales is exact in float64, and zero points are 0: an accumulator has none.
 *
 * @param bias `[outputs]`, in units of the output.
 * @param inputScale Of the layer's input, s_x.
 * @param weightScales `[outputs]`: s_w.
 * @param layer Whose bias it is, for errors.
 * @returns `[outputs]`, int32.
 * @throws {RangeError} If a bias is not finite or does not fit an int32.
 * @see Jacob et al. 2018, arXiv:1712.05877, section 2.4
 */
export function quantizeBias(
  bias: Float32Array,
  inputScale: number,
  weightScales: Float32Array,
  layer?: string,
): Int32Array<ArrayBuffer> {
  const action = `quantize a bias${ofLabel(layer)}`;
  requireFinite(action, "its values", bias);
  return Int32Array.from(bias, (b, output) => {
    const rounded = roundHalfEven(b / (inputScale * weightScales[output]));
    if (!(Math.abs(rounded) <= MOST)) {
      throw new RangeError(
        `Cannot ${action}: in units of the accumulator it must fit an int32: ${b} of output ` +
          `${output} is ${rounded} of ${inputScale * weightScales[output]}`,
      );
    }
    return rounded;
  });
}
