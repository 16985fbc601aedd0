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
