import { chooseWeightGrids } from "../grids/choose.ts";
import type { WeightGridOptions } from "../grids/options.ts";
import { roundToGrids } from "../grids/round.ts";
import { dequantizeWeight, type QuantizedWeight } from "../quantized_weight.ts";
import type { CalibratedLayer, QuantizedLayer } from "./calibrated_layer.ts";

/** Mean inputs of a layer on calibration data, `[groups, inputs]` each. */
export interface InputMeans {
  /** In the original network. */
  readonly original: Float64Array;
  /** In the quantized one; those of the original if left out. */
  readonly quantized?: Float64Array;
}

/**
 * Moves a layer's bias so that its mean output stays what it was: empirical bias correction.
 *
 *     b' = b + W E[x] - Q E[x'],   where x' is x unless earlier layers are quantized too
 *
 * Rounding errors of a row do not cancel, so each output is off by a constant, which this takes out.
 *
 * @param bias b, `[outputs]`.
 * @param weight W, row-major, outputs first.
 * @param quantized Q: what the codes stand for, in the same layout.
 * @param means Of the inputs, on calibration data.
 * @returns b', `[outputs]`.
 * @throws {RangeError} If the sizes do not fit.
 * @see Nagel et al. 2019, arXiv:1906.04721, section 4.2
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { correctBias } from "@bitcliff/bitcliff";
 *
 * // the weight 0.5 became 0.75; inputs are 2 on average
 * const means = { original: new Float64Array([2]) };
 * const bias = correctBias(new Float32Array([1]), new Float32Array([0.5]), new Float32Array([0.75]), means);
 * assert.deepEqual([...bias], [0.5]);
 * ```
 */
export function correctBias(
  bias: Float32Array,
  weight: Float32Array,
  quantized: Float32Array,
  { original, quantized: after = original }: InputMeans,
): Float32Array<ArrayBuffer> {
  const outputs = bias.length;
  const inputs = weight.length / outputs;
  const groups = original.length / inputs;
  const fits = Number.isInteger(inputs) && Number.isInteger(groups) && outputs % groups === 0 &&
    quantized.length === weight.length && after.length === original.length;
  if (!fits) {
    throw new RangeError(
      `Cannot correct ${outputs} biases: weights must be ${outputs} rows, and means one an input: ` +
        `there are ${weight.length} weights, ${quantized.length} quantized, ${original.length} and ` +
        `${after.length} means`,
    );
  }
  return Float32Array.from(bias, (value, output) => {
    const group = Math.floor(output * groups / outputs) * inputs;
    let sum = value;
    for (let i = 0; i < inputs; i++) {
      const at = output * inputs + i;
      sum += weight[at] * original[group + i] - quantized[at] * after[group + i];
    }
    return sum;
  });
}

/**
 * Gives codes of a layer the bias that goes with them.
 *
 * @param layer Weight, bias and the means of its inputs: against those of the original network, where there
 *   are cross moments.
 * @param quantized Codes and grids of its weight.
 * @returns The codes with {@link correctBias}'s bias; without one, where the layer has none.
 * @throws {RangeError} If the sizes do not fit.
 */
export function withCorrectedBias(
  { weight, bias, moments: { hessian, cross } }: CalibratedLayer,
  quantized: QuantizedWeight,
): QuantizedLayer {
  if (bias === undefined) return { quantized };
  const means = { original: cross?.mean ?? hessian.mean, quantized: hessian.mean };
  return { quantized, bias: correctBias(bias, weight, dequantizeWeight(quantized), means) };
}

/**
 * Quantizes one layer by rounding to the nearest level, ties to even, and correcting its bias.
 *
 * @param layer Weight `[outputs, ...]`, bias and moments, of which only the means are looked at.
 * @param options Kind of grid, granularity and observer.
 * @returns Codes, grids and the new bias.
 * @throws {RangeError} If the sizes do not fit, or a weight is not finite.
 * @see Nagel et al. 2019, arXiv:1906.04721, section 4.2
 */
export function roundAndCorrectBias(
  layer: CalibratedLayer,
  options: WeightGridOptions,
): QuantizedLayer {
  const { weight, shape } = layer;
  const grids = chooseWeightGrids(weight, shape, options);
  return withCorrectedBias(layer, roundToGrids(weight, shape, grids, "nearestEven"));
}
