export { affine, combine, fill, mapElements, reduceAxis } from "./arithmetic.ts";
export { add, type AddOptions } from "./ops/add.ts";
export { averagePool, type AveragePoolOptions, globalAveragePool } from "./ops/average_pool.ts";
export { batchNorm, type BatchNormOptions, type BatchNormTensors } from "./ops/batch_norm.ts";
export {
  type Codebooks,
  fakeQuantizeToCodebook,
  uploadCodebooks,
} from "./ops/codebook_quantize.ts";
export { crossEntropy, type CrossEntropyOptions } from "./ops/cross_entropy.ts";
export { distillation, type DistillationOptions } from "./ops/distillation.ts";
export { dropout, type DropoutOptions } from "./ops/dropout.ts";
export {
  fakeQuantize,
  fakeQuantizeShared,
  type GridNumbers,
  type QuantParams,
  type Rounding,
  type StochasticRounding,
  uploadGrids,
} from "./ops/fake_quantize.ts";
export { conv2d, type Conv2dOptions, conv2dPooled } from "./ops/conv2d.ts";
export {
  type LearnedClip,
  learnedClipQuantize,
  type LearnedGrid,
  learnedStepQuantize,
  LEAST_STEP,
} from "./ops/learned_step_quantize.ts";
export { linear, type LinearOptions } from "./ops/linear.ts";
export { logSoftmax } from "./ops/log_softmax.ts";
export { maxPool, type MaxPoolOptions } from "./ops/max_pool.ts";
export { view } from "./ops/view.ts";
export { optionAShortcut } from "./ops/option_a_shortcut.ts";
export { meanSquaredError } from "./ops/mean_squared_error.ts";
export { multiplyBy } from "./ops/multiply_by.ts";
export { nll } from "./ops/nll.ts";
export {
  gatherPixels,
  linearOfPixels,
  type PixelRows,
  type ResidentPixels,
} from "./ops/pixel_rows.ts";
export { randomMix } from "./ops/random_mix.ts";
export {
  dorefaWeights,
  type DynamicGridOptions,
  dynamicGrids,
  dynamicQuantize,
  magnitudeWeights,
} from "./ops/quantization_estimators.ts";
export { relu } from "./ops/relu.ts";
export {
  type NeighborLevels,
  type PenaltySchedule,
  roundingPenalty,
  softRound,
} from "./ops/soft_round.ts";
export { backward, differentiable, type MeanGradients, type Vjp, type Wanted } from "./tape.ts";
