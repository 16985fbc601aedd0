export {
  fixedPermutation,
  type ImageLayout,
  imageLayout,
  imagesOf,
  type ImageStack,
  type Layout,
  type MatrixLayout,
  matrixLayout,
  type PermutedLayout,
  permutedLayout,
} from "./layout.ts";
export { referenceSparsify } from "./reference.ts";
export { keepCount, type Selection, selectLargest } from "./select_largest.ts";
export type { WeightSize } from "./sparse_basis.ts";
export { type Sparsified, sparsify } from "./sparsify.ts";
export {
  type MagnitudePrune,
  magnitudePrune,
  type SparsityStage,
  type ThresholdRule,
  type WaveletThreshold,
  waveletThreshold,
  type WaveletThresholdOptions,
} from "./wavelet_threshold.ts";
export { decompose, reconstruct, type WaveletOptions } from "./wavelet_transform.ts";
