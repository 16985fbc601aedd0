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
  quantizeWeight,
} from "./quantize/post_training.ts";
export { affineGrid } from "./quantize/grids/affine_grid.ts";
export { chooseWeightGrids, type WeightGridOptions } from "./quantize/grids/choose.ts";
export { groupSizeOf } from "./quantize/grids/granularity.ts";
export { roundingTo, roundToGrids, type WeightRounding } from "./quantize/grids/round.ts";
export {
  type AffineGridSpec,
  type AsymmetricGridSpec,
  type Bits,
  type Granularity,
  isBits,
  type ScaleKind,
  type SymmetricGridSpec,
  type WeightGridSpec,
} from "./quantize/grids/spec.ts";
export type {
  FixedObserver,
  MeanSquaredErrorObserver,
  MinMaxObserver,
  ObserverSpec,
} from "./quantize/observers/spec.ts";
export { gptq, type SecondOrderWeight } from "./quantize/methods/gptq.ts";
export {
  centerHessian,
  type ColumnOrder,
  constantInputs,
  type DampingOptions,
  type FactoredHessian,
  factorHessian,
  type LayerHessian,
} from "./quantize/methods/hessian.ts";
export { obq } from "./quantize/methods/obq.ts";
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
