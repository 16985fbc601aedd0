import { largestStep } from "./accumulator_bound.ts";
import type { IntegerLayerSource } from "./integer_layer.ts";
import { codeScalesOf } from "./integer_shortcut.ts";
import type { IntegerWeight } from "./integer_weight.ts";

/** Units that the result of an output without weights may come to: what float32 holds exactly. */
const MOST_UNITS = 2 ** 24;

/**
 * Gives every output whose weights are all 0 a scale that its bias and shortcut can be told in.
 *
 *     s_w = float32(u / s_x),   u the smallest power of two with (|b| + max |q_s - z_s| s_s) p <= 2^24 u
 *
 * Such an output, of a channel that was pruned or whose norm has the factor 0, has any scale; that of its grid
 * would round bias and shortcut to multiples of s_x.
 *
 * @param weight Codes, zero points and scales.
 * @param source The layer that they are of.
 * @returns The same numbers; other scales where there is nothing else than 0, unless nothing is added to it.
 */
export function scaleIdleOutputs(weight: IntegerWeight, source: IntegerLayerSource): IntegerWeight {
  const { layer, bias, inputGrid, shortcut, globalAverage: positions = 1 } = source;
  const { codes, zeroPoints } = weight;
  const outputs = zeroPoints.length;
  const row = codes.length / outputs;
  const codeScales = shortcut && codeScalesOf(shortcut, outputs, layer);
  const scales = weight.scales.map((scale, o) => {
    const own = codes.subarray(o * row, (o + 1) * row);
    const around = shortcut ? largestStep(shortcut.grid) * codeScales![o] : 0;
    const largest = (Math.abs(bias[o]) + around) * positions;
    if (largest === 0 || own.some((code) => code !== zeroPoints[o])) return scale;
    return 2 ** Math.ceil(Math.log2(largest / MOST_UNITS)) / inputGrid.scale;
  });
  return { ...weight, scales };
}
