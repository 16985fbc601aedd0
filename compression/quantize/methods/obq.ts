import { reachOfGrid } from "../grids/reach.ts";
import type { WeightGrid } from "../quantized_weight.ts";
import type { SecondOrderWeight } from "./gptq.ts";
import { type DampingOptions, factorHessian, type LayerHessian } from "./hessian.ts";
import { hessianGroupOf, quantizedRows, weightRows } from "./weight_rows.ts";

/** Weights of an output beyond which OBQ, whose cost a row is cubic, is refused. */
export const OBQ_MOST_INPUTS: number = 1024;

/** H^-1 = U^T U, what of it is on or right of the diagonal: it is symmetric. */
function inverseOf(upper: Float64Array, inputs: number): Float64Array<ArrayBuffer> {
  const inverse = new Float64Array(inputs * inputs);
  for (let k = 0; k < inputs; k++) {
    for (let i = k; i < inputs; i++) {
      const factor = upper[k * inputs + i];
      for (let j = i; j < inputs; j++) inverse[i * inputs + j] += factor * upper[k * inputs + j];
    }
  }
  return inverse;
}

/** The first free weight beyond its grid, else the one whose error costs least. */
function cheapest(
  free: ReadonlySet<number>,
  isBeyond: (i: number) => boolean,
  costOf: (i: number) => number,
): number {
  let best = -1;
  let least = Infinity;
  for (const i of free) {
    if (isBeyond(i)) return i;
    const cost = costOf(i);
    if (cost < least || best < 0) [best, least] = [i, cost];
  }
  return best;
}

/**
 * Quantizes every output exactly greedily: of its free weights the one that costs least is fixed next,
 * and all others move to make up for it. Optimal Brain Quantizer.
 *
 *     p = argmin (w_p - quant(w_p))^2 / [H^-1]_pp
 *     w := w - (w_p - quant(w_p)) / [H^-1]_pp  [H^-1]_:,p
 *     H^-1 := H^-1 - [H^-1]_:,p [H^-1]_p,: / [H^-1]_pp
 *
 * A weight that has moved more than half a step beyond its grid is fixed at once, as in the paper's
 * section 5, before errors pile up on it. Costs inputs^3 for every output, where {@link gptq}
 * costs inputs^2: for small layers, and to see how much GPTQ's fixed order loses.
 *
 * @param weight Row-major, outputs first.
 * @param shape `[outputs, inputs]`, or `[outputs, inputs / groups, height, width]`.
 * @param grids One a group of consecutive weights, affine or codebook.
 * @param hessian Of the layer's inputs on calibration data.
 * @param options Damping; the order is the method's own.
 * @returns Codes on the grids given, and the damping used.
 * @throws {RangeError} If the sizes do not fit, an output has more than 1,024 weights, or a number is
 *   not finite.
 * @see Frantar and Alistarh 2022, arXiv:2208.11580, algorithm 3
 */
export function obq(
  weight: Float32Array,
  shape: readonly number[],
  grids: readonly WeightGrid[],
  hessian: LayerHessian,
  options: Pick<DampingOptions, "percent"> = {},
): SecondOrderWeight {
  const matrix = weightRows(weight, shape, grids);
  const { rows, inputs, groupSize, codeOf, valueAt } = matrix;
  const groupOf = hessianGroupOf(matrix, hessian);
  if (inputs > OBQ_MOST_INPUTS) {
    throw new RangeError(
      `Cannot quantize by OBQ: an output must have at most ${OBQ_MOST_INPUTS} weights: it has ` +
        inputs,
    );
  }
  const factors = Array.from({ length: hessian.groups }, (_, group) => {
    const { upper, damping } = factorHessian(hessian, group, {
      ...options,
      order: "natural",
    });
    return { inverse: inverseOf(upper, inputs), damping };
  });
  const reaches = grids.map(reachOfGrid);
  const codes = new Int32Array(weight.length);
  for (let row = 0; row < rows; row++) {
    const first = row * inputs;
    const inverse = factors[groupOf(row)].inverse.slice();
    const w = Float64Array.from(weight.subarray(first, first + inputs));
    const errorOf = (i: number) => w[i] - valueAt(first + i, codeOf(first + i, w[i]));
    const isBeyond = (i: number) => {
      const { low, high } = reaches[Math.floor((first + i) / groupSize)];
      return w[i] < low || w[i] > high;
    };
    const free = new Set(w.keys());
    while (free.size > 0) {
      const p = cheapest(free, isBeyond, (i) => errorOf(i) ** 2 / inverse[i * inputs + i]);
      codes[first + p] = codeOf(first + p, w[p]);
      const pivot = inverse[p * inputs + p];
      const error = errorOf(p) / pivot;
      free.delete(p);
      const column = Float64Array.from(
        { length: inputs },
        (_, i) => inverse[Math.min(i, p) * inputs + Math.max(i, p)],
      );
      for (const i of free) {
        w[i] -= error * column[i];
        const factor = column[i] / pivot;
        if (factor === 0) continue;
        for (let j = i; j < inputs; j++) inverse[i * inputs + j] -= factor * column[j];
      }
    }
  }
  return {
    quantized: quantizedRows(shape, grids, codes),
    damping: factors.map(({ damping }) => damping),
  };
}
