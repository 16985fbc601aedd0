export {
  type AffineGrid,
  chooseQuantParams,
  dequantize,
  quantize,
  type Range,
  rangesOf,
} from "./quantize/affine.ts";
export { BITS, type Bits, isBits } from "./quantize/bits.ts";
export { type AffineQuantization, quantizeWeight } from "./quantize/quantize_weight.ts";
export { affineGrid } from "./quantize/grids/affine_grid.ts";
export { chooseWeightGrids } from "./quantize/grids/choose.ts";
export type {
  AffineGridOptions,
  FewLevelsGridOptions,
  LloydMaxGridOptions,
  PowersOfTwoGridOptions,
  WeightGridOptions,
} from "./quantize/grids/options.ts";
export { binaryGrid, ternaryGrid } from "./quantize/grids/few_levels.ts";
export { groupSizeOf } from "./quantize/grids/granularity.ts";
export {
  type AnyGridOptions,
  granularityMistakes,
  gridMistakes,
  gridSpecMistakes,
} from "./quantize/grids/grid_mistakes.ts";
export { lloydMaxGrid } from "./quantize/grids/lloyd_max.ts";
export { additivePowersOfTwoGrid, powersOfTwoGrid } from "./quantize/grids/powers_of_two.ts";
export { type Reach, reachOfGrid } from "./quantize/grids/reach.ts";
export {
  type RoundingFunction,
  roundingTo,
  roundToGrids,
  type StochasticWeightRounding,
  type WeightRounding,
} from "./quantize/grids/round.ts";
export {
  type AdditivePowersOfTwoGridSpec,
  type AffineGridSpec,
  type AsymmetricGridSpec,
  type BinaryGridSpec,
  codeBits,
  type FittedGridSpec,
  type Granularity,
  hasPowerOfTwoScale,
  type LloydMaxGridSpec,
  type PowersOfTwoGridSpec,
  type ScaleKind,
  type SpanningGridSpec,
  type SymmetricGridSpec,
  type TernaryGridSpec,
  type WeightGridSpec,
} from "./quantize/grids/spec.ts";
export { countValues, emptyCounts, rangeOfCounts } from "./quantize/observers/counted.ts";
export type { CountedObserverSpec } from "./quantize/observers/range_of_histogram.ts";
export {
  makeObserver,
  type Observation,
  type Observer,
  type ObserverOptions,
} from "./quantize/observers/observer.ts";
export { observerMistakes } from "./quantize/observers/observer_mistakes.ts";
export type {
  EntropyObserver,
  FixedObserver,
  ListedObserverSpec,
  MeanSquaredErrorObserver,
  MinMaxObserver,
  MovingAverageObserver,
  ObserverSpec,
  PercentileObserver,
  WeightObserverSpec,
} from "./quantize/observers/spec.ts";
export { accumulatorBound, checkAccumulators } from "./quantize/integer/accumulator_bound.ts";
export {
  type IntegerConvolution,
  type IntegerLayer,
  integerLayer,
  type IntegerLayerSource,
} from "./quantize/integer/integer_layer.ts";
export {
  type IntegerNetwork,
  integerNetwork,
  type IntegerStep,
} from "./quantize/integer/integer_network.ts";
export {
  type IntegerForwardOptions,
  type IntegerProgram,
  integerProgram,
} from "./quantize/integer/integer_program.ts";
export {
  type IntegerShortcut,
  integerShortcut,
  type IntegerShortcutSource,
} from "./quantize/integer/integer_shortcut.ts";
export { type IntegerWeight, integerWeight } from "./quantize/integer/integer_weight.ts";
export { quantizeBias } from "./quantize/integer/quantize_bias.ts";
export {
  type Requantization,
  requantization,
  type RequantizationKind,
  requantize,
  rescale,
  type Rescaling,
  rescaling,
} from "./quantize/integer/requantization.ts";
export { allocateExactly, allocationFront } from "./quantize/mixed_precision/allocate_exactly.ts";
export { allocateGreedily } from "./quantize/mixed_precision/allocate_greedily.ts";
export { hessianSensitivity } from "./quantize/mixed_precision/hessian_sensitivity.ts";
export {
  type HessianTraceOptions,
  hessianTraces,
  type NamedValues,
} from "./quantize/mixed_precision/hessian_traces.ts";
export {
  estimateTrace,
  rademacher,
  type TraceEstimate,
} from "./quantize/mixed_precision/hutchinson.ts";
export { packedBytes } from "./quantize/mixed_precision/packed_bytes.ts";
export { paretoFront } from "./quantize/mixed_precision/pareto_front.ts";
export {
  type BitAllocation,
  type LayerChoices,
  type PrecisionChoice,
} from "./quantize/mixed_precision/precision_choice.ts";
export {
  accumulateMoments,
  type CrossMoments,
  type LayerMoments,
  type MomentAccumulator,
} from "./quantize/methods/accumulate_moments.ts";
export type { LayerGeometry } from "./quantize/methods/layer_rows.ts";
export {
  coordinateDescent,
  type CoordinateDescentOptions,
} from "./quantize/methods/coordinate_descent.ts";
export { adaRound } from "./quantize/methods/ada_round.ts";
export {
  type BlockReconstruction,
  reconstructBlock,
  type ReconstructionBlock,
  type SoftBlock,
} from "./quantize/methods/block_reconstruction.ts";
export type {
  LearningContext,
  ReconstructedActivation,
  ReconstructedNetwork,
  ReconstructedWeight,
} from "./quantize/methods/learned_grids.ts";
export {
  reconstructionMistakes,
  type ReconstructionPlan,
  reconstructionPlan,
} from "./quantize/methods/reconstruction_plan.ts";
export type { Damping } from "./quantize/methods/damped_factor.ts";
export {
  correctBias,
  type InputMeans,
  roundAndCorrectBias,
} from "./quantize/methods/correct_bias.ts";
export { type DynamicRange, dynamicRange } from "./quantize/methods/dynamic_range.ts";
export {
  levelGrid,
  type LevelQuantization,
  type LevelRandomness,
  quantizeToLevels,
} from "./quantize/levels.ts";
export {
  type CodeFormat,
  decodeOctalText,
  encodeOctalText,
  octalBits,
  octalText,
  packOctal,
  packPlain,
  unpackOctal,
  unpackPlain,
} from "./quantize/octal.ts";
export { equalizeLayers, type EqualizeOptions } from "./quantize/methods/equalize.ts";
export { gptq, type SecondOrderWeight } from "./quantize/methods/gptq.ts";
export {
  centerHessian,
  type ColumnOrder,
  constantInputs,
  dampHessian,
  type DampingOptions,
  type FactoredHessian,
  factorHessian,
  type LayerHessian,
} from "./quantize/methods/hessian.ts";
export { hqq, HQQ_BITS, type HqqBits, type HqqOptions, isHqqBits } from "./quantize/methods/hqq.ts";
export { centerCross, type MatchedTarget, matchTarget } from "./quantize/methods/match_target.ts";
export { obq, OBQ_MOST_INPUTS } from "./quantize/methods/obq.ts";
export { rescaleChannels, type ScalableLayer } from "./quantize/methods/rescale_channels.ts";
export { inputMaxima, smoothActivations } from "./quantize/methods/smooth_quant.ts";
export type { CalibratedLayer, QuantizedLayer } from "./quantize/methods/calibrated_layer.ts";
export { quantizeBySecondOrder, type SecondOrderRecipe } from "./quantize/methods/second_order.ts";
export { secondOrderRecipe } from "./quantize/methods/second_order_recipe.ts";
export { chooseWeightedGrids } from "./quantize/methods/weighted_grids.ts";
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
