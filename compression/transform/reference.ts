import { filterBank, referenceDecompose, referenceReconstruct } from "../../kernels/mod.ts";
import { fixedPermutation, imagesOf } from "./layout.ts";
import { keepCount, selectLargest } from "./select_largest.ts";
import { flattenPyramid, unflattenPyramid, type WeightSize } from "./sparse_basis.ts";
import type { SparsityStage } from "./wavelet_threshold.ts";

/**
 * Applies a sparsity stage to one network's weights in float64: what `sparsify` is tested against.
 *
 * The coefficients are selected by their float32 magnitudes, as on the GPU.
 *
 * @param weights `[outputs, inputs]`.
 * @param size The sizes.
 * @param stage Which coefficients.
 * @param keep Share of the coefficients that is kept, in (0, 1].
 * @returns The weights, and the coefficients after thresholding, band after band.
 * @throws {RangeError} If the layout does not fit or the ratio is out of range.
 */
export function referenceSparsify(
  weights: Float64Array,
  size: WeightSize,
  stage: SparsityStage,
  keep: number,
): { weights: Float64Array; coefficients: Float64Array } {
  const { outputs, inputs } = size;
  if (stage.kind === "magnitude_prune") {
    const kept = keepLargest(weights, keep, false);
    return { weights: kept, coefficients: kept };
  }
  const { layout, mode, levels } = stage;
  const { count: batch, height, width } = imagesOf(layout, outputs, inputs);
  const bank = filterBank(stage.wavelet);
  const shape = { batch, height, width };
  const { order, inverse } = layout.kind === "permuted"
    ? fixedPermutation(inputs, layout.seed)
    : { order: undefined, inverse: undefined };

  const placed = permuteRows(weights, order);
  const bands = flattenPyramid(referenceDecompose(placed, shape, bank, mode, levels));
  const coefficients = keepLargest(
    Float64Array.from(bands.flatMap((band) => [...band])),
    keep,
    stage.threshold === "soft",
  );
  let at = 0;
  const thresholded = bands.map(({ length }) => coefficients.slice(at, at += length));
  const images = referenceReconstruct(unflattenPyramid(thresholded), shape, bank, mode);
  return { weights: permuteRows(images, inverse), coefficients };
}

function permuteRows(x: Float64Array, order: Uint32Array | undefined): Float64Array {
  if (order === undefined) return x;
  return x.map((_, i) => {
    const column = i % order.length;
    return x[i - column + order[column]];
  });
}

function keepLargest(values: Float64Array, keep: number, isSoft: boolean): Float64Array {
  const count = keepCount(keep, values.length);
  const [{ magnitude, tiesBelow }] = selectLargest(Float32Array.from(values), [count]);
  return values.map((value, i) => {
    const size = Math.fround(Math.abs(value));
    if (isSoft) return Math.sign(value) * Math.max(Math.abs(value) - magnitude, 0);
    return size > magnitude || (size === magnitude && i < tiesBelow) ? value : 0;
  });
}
