export {
  type AffineGrid,
  BITS,
  chooseQuantParams,
  dequantize,
  quantize,
  type Range,
  rangesOf,
} from "./quantize/affine.ts";
export {
  activationGrids,
  type AffineQuantization,
  type Granularity,
  quantizeWeight,
} from "./quantize/post_training.ts";
export {
  type CodebookGrid,
  dequantizeWeight,
  type QuantizedWeight,
  valueOf,
  type WeightGrid,
} from "./quantize/quantized_weight.ts";
export {
  fixedPermutation,
  type ImageLayout,
  imageLayout,
  type Layout,
  type MagnitudePrune,
  magnitudePrune,
  type MatrixLayout,
  matrixLayout,
  type PermutedLayout,
  permutedLayout,
  type Sparsified,
  sparsify,
  type SparsityStage,
  type ThresholdRule,
  type WaveletThreshold,
  waveletThreshold,
  type WaveletThresholdOptions,
} from "./transform/mod.ts";
