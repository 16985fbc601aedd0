import type { CodebookGrid } from "../quantized_weight.ts";
import { codebookGrid } from "./codebook.ts";

function sortedMagnitudes(values: Float32Array): Float32Array {
  return values.map(Math.abs).sort().reverse();
}

/**
 * Fits three levels to weights: those above a threshold in magnitude become plus or minus the mean of
 * their magnitudes, the others 0.
 *
 *     threshold   Delta = argmax (sum_{|w| > Delta} |w|)^2 / |{i: |w_i| > Delta}|
 *     levels      -alpha, 0, alpha;   alpha = mean of |w| over |w| > Delta
 *
 * The paper replaces the search by Delta = 0.7 mean |w|, which is near it for normal weights; here it is
 * done, over all sorted magnitudes. At the best threshold Delta = alpha / 2 does the same, so rounding
 * to the nearest level is the paper's rule.
 *
 * @param values Weights that share the grid.
 * @returns Three levels; a single 0 for weights of nothing but 0.
 * @see Li et al. 2016, arXiv:1605.04711, section 2.2
 */
export function ternaryGrid(values: Float32Array): CodebookGrid {
  let sum = 0;
  let best = 0;
  let alpha = 0;
  sortedMagnitudes(values).forEach((magnitude, i) => {
    sum += magnitude;
    const gain = sum * sum / (i + 1);
    if (gain > best) {
      best = gain;
      alpha = sum / (i + 1);
    }
  });
  return codebookGrid([-alpha, 0, alpha], 1);
}

/**
 * Fits two levels to weights: plus and minus the mean of their magnitudes, the best scale of signs in the
 * mean of squares. 0 counts as positive.
 *
 * @param values Weights that share the grid.
 * @returns Two levels; a single 0 for weights of nothing but 0.
 * @see Rastegari et al. 2016 (XNOR-Net), arXiv:1603.05279, section 3.1
 */
export function binaryGrid(values: Float32Array): CodebookGrid {
  const alpha = values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
  return codebookGrid([-alpha, alpha], 1);
}
