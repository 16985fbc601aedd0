import type { QuantizedWeight, WeightGrid } from "../quantized_weight.ts";
import type { Damping } from "./damped_factor.ts";
import { type DampingOptions, factorHessian, type LayerHessian } from "./hessian.ts";
import { hessianGroupOf, quantizedRows, weightRows } from "./weight_rows.ts";

/** A weight that a Hessian helped to quantize. */
export interface SecondOrderWeight {
  /** Codes and grids. */
  readonly quantized: QuantizedWeight;
  /** What each group's Hessian was damped by: what was asked for, or more. */
  readonly damping: readonly Damping[];
}

/**
 * Quantizes a weight column by column, and after each column moves the columns that are still free so
 * that they make up for its error: GPTQ.
 *
 *     q_j = quant(w_j),   w_k := w_k - (w_j - q_j) / U_jj  U_jk   for k > j
 *
 * with U from {@link factorHessian}, for every output alike. It minimizes (w - q) H (w - q)^T greedily,
 * the squared error of the layer's output on the calibration data. The paper's blocks of columns are a
 * matter of GPU memory and change no result, so there are none here; groups have fixed grids (its
 * "static groups"), which act-order needs.
 *
 * @param weight Row-major, outputs first.
 * @param shape `[outputs, inputs]`, or `[outputs, inputs / groups, height, width]`.
 * @param grids One a group of consecutive weights, affine or codebook.
 * @param hessian Of the layer's inputs on calibration data.
 * @param options Damping (0.01 of the mean diagonal) and order (`activation`).
 * @returns Codes on the grids given, and the damping used.
 * @throws {RangeError} If the sizes do not fit, or a number is not finite.
 * @see Frantar et al. 2022, arXiv:2210.17323, algorithm 1
 */
export function gptq(
  weight: Float32Array,
  shape: readonly number[],
  grids: readonly WeightGrid[],
  hessian: LayerHessian,
  options: DampingOptions = {},
): SecondOrderWeight {
  const matrix = weightRows(weight, shape, grids);
  const { rows, inputs, codeOf, valueAt } = matrix;
  const groupOf = hessianGroupOf(matrix, hessian);
  const factors = Array.from(
    { length: hessian.groups },
    (_, group) => factorHessian(hessian, group, options),
  );
  const codes = new Int32Array(weight.length);
  const w = new Float64Array(inputs);
  for (let row = 0; row < rows; row++) {
    const { order, upper } = factors[groupOf(row)];
    for (let j = 0; j < inputs; j++) w[j] = weight[row * inputs + order[j]];
    for (let j = 0; j < inputs; j++) {
      const place = row * inputs + order[j];
      const code = codeOf(place, w[j]);
      codes[place] = code;
      const u = j * inputs;
      const error = (w[j] - valueAt(place, code)) / upper[u + j];
      if (error === 0) continue;
      for (let k = j + 1; k < inputs; k++) w[k] -= error * upper[u + k];
    }
  }
  return {
    quantized: quantizedRows(shape, grids, codes),
    damping: factors.map(({ damping }) => damping),
  };
}
