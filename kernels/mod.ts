import { type KernelRoom, rooflineKernels } from "../gpu/mod.ts";
import { accuracyKernels } from "./accuracy/accuracy.ts";
import { adamKernels } from "./adam/adam.ts";
import { augmentKernels } from "./augment/augment.ts";
import { averagePoolKernels } from "./average_pool/average_pool.ts";
import { batchNormKernels } from "./batch_norm/normalize.ts";
import { batchStatisticsKernels } from "./batch_norm/statistics.ts";
import { codebookQuantizeKernels } from "./codebook_quantize/codebook_quantize.ts";
import { naiveConv2dKernels } from "./conv2d/naive.ts";
import { packConv2dKernels } from "./conv2d/packing.ts";
import { registerConv2dKernels } from "./conv2d/register_tiled.ts";
import { vectorWeightGradientKernels, weightGradientKernels } from "./conv2d/weight_gradient.ts";
import { differenceKernels } from "./difference/difference.ts";
import { dropoutKernels } from "./dropout/dropout.ts";
import { dwtAnalysisKernels, dwtSynthesisKernels } from "./dwt/dwt.ts";
import { haarAnalysisKernels, haarSynthesisKernels } from "./dwt/haar.ts";
import { elementwiseKernels } from "./elementwise/elementwise.ts";
import { fakeQuantizeKernels } from "./fake_quantize/fake_quantize.ts";
import { stochasticFakeQuantizeKernels } from "./fake_quantize/stochastic.ts";
import { gatherKernels } from "./gather/gather.ts";
import { integerRooms } from "./integer_rooms.ts";
import { logSoftmaxKernels } from "./log_softmax/log_softmax.ts";
import {
  chooseMatmul,
  naiveMatmulKernels,
  registerMatmulKernels,
  workgroupMatmulKernels,
} from "./matmul/matmul.ts";
import { histogramKernels } from "./histogram/histogram.ts";
import { linearBytesKernels } from "./linear_bytes/linear_bytes.ts";
import { maxPoolKernels } from "./max_pool/max_pool.ts";
import { movingAverageKernels } from "./moving_average/moving_average.ts";
import { nllKernels } from "./nll/nll.ts";
import { patchesKernels } from "./patches/patches.ts";
import { permuteKernels } from "./permute/permute.ts";
import { randomKernels } from "./random/random.ts";
import { quantizationAwareRooms } from "./quantization_aware.ts";
import { reduceByLaneKernels, reduceByWorkgroupKernels } from "./reduce/reduce.ts";
import { reluKernels } from "./relu/relu.ts";
import { requantizeKernels } from "./requantize/requantize.ts";
import { sampleBatchKernels } from "./sample_batch/sample_batch.ts";
import { sgdKernels } from "./sgd/sgd.ts";
import { shortcutKernels } from "./shortcut/shortcut.ts";
import { softmaxNllKernels } from "./softmax_nll/softmax_nll.ts";
import { streamKeysKernels } from "./stream_keys/stream_keys.ts";
import { softRoundKernels } from "./soft_round/soft_round.ts";
import { squaredErrorKernels } from "./squared_error/squared_error.ts";
import { thresholdKernels } from "./threshold/threshold.ts";
import { trainingClockKernels } from "./training_clock/training_clock.ts";

export {
  casesOf,
  checkKernel,
  type CheckResult,
  formatMismatches,
  makeInputs,
  type Mismatch,
} from "./check.ts";
export {
  pcgHash,
  randomInteger,
  randomSource,
  standardNormal,
  streamKey,
  uniformAt,
} from "./random_source.ts";
export {
  accuracyKernels,
  adamKernels,
  augmentKernels,
  averagePoolKernels,
  batchNormKernels,
  batchStatisticsKernels,
  chooseMatmul,
  codebookQuantizeKernels,
  differenceKernels,
  dropoutKernels,
  dwtAnalysisKernels,
  dwtSynthesisKernels,
  elementwiseKernels,
  fakeQuantizeKernels,
  gatherKernels,
  haarAnalysisKernels,
  haarSynthesisKernels,
  histogramKernels,
  linearBytesKernels,
  logSoftmaxKernels,
  maxPoolKernels,
  movingAverageKernels,
  naiveConv2dKernels,
  naiveMatmulKernels,
  nllKernels,
  packConv2dKernels,
  patchesKernels,
  permuteKernels,
  randomKernels,
  reduceByLaneKernels,
  reduceByWorkgroupKernels,
  registerConv2dKernels,
  registerMatmulKernels,
  reluKernels,
  requantizeKernels,
  sampleBatchKernels,
  sgdKernels,
  shortcutKernels,
  softmaxNllKernels,
  softRoundKernels,
  squaredErrorKernels,
  stochasticFakeQuantizeKernels,
  streamKeysKernels,
  thresholdKernels,
  trainingClockKernels,
  vectorWeightGradientKernels,
  weightGradientKernels,
  workgroupMatmulKernels,
};
export {
  conv2dForward,
  conv2dForwardPooled,
  conv2dInputGradient,
  type Conv2dInputs,
  conv2dWeightGradient,
  type PooledConvolution,
} from "./conv2d/dispatch.ts";
export {
  averagePoolParams,
  type AveragePoolShape,
  chooseAveragePool,
} from "./average_pool/average_pool.ts";
export {
  batchNormParams,
  type BatchNormParts,
  type BatchNormShape,
  chooseBatchNormParts,
} from "./batch_norm/geometry.ts";
export type { Conv2dEntry } from "./conv2d/naive.ts";
export { conv2dParams, type Conv2dShape } from "./conv2d/spec.ts";
export {
  chooseDifferenceSlots,
  differenceParams,
  type DifferenceShape,
} from "./difference/difference.ts";
export { dropoutParams, type DropoutShape } from "./dropout/dropout.ts";
export { chooseMaxPool, maxPoolParams, type MaxPoolShape } from "./max_pool/max_pool.ts";
export { type FilterBank, filterBank, packFilters, waveletNames } from "./dwt/filters.ts";
export { BEYOND_SLOT, binOfSlot, COUNT_SLOTS, SMALL_SLOT } from "./histogram/bins.ts";
export { fitsHaarKernels } from "./dwt/haar.ts";
export {
  analyzeAxis,
  type Axis,
  type BoundaryMode,
  coefficientCount,
  extendedIndex,
  type FilterPair,
  synthesizeAxis,
} from "./dwt/reference.ts";
export {
  type Bands,
  type Details,
  halvedShape,
  type ImageShape,
  type Pyramid,
  pyramidShapes,
  referenceAnalysis,
  referenceDecompose,
  referenceReconstruct,
  referenceSynthesis,
} from "./dwt/reference_2d.ts";
export {
  BINARY,
  broadcastParams,
  broadcastShape,
  elementwiseParams,
  UNARY,
} from "./elementwise/elementwise.ts";
export * from "./integer_rooms.ts";
export { patchesParams, type PatchShape } from "./patches/patches.ts";
export type { MatmulEntry } from "./matmul/spec.ts";
export type { ChosenMatmul } from "./matmul/matmul.ts";
export { chooseReduce, reduceParams, type Reduction } from "./reduce/reduce.ts";
export {
  chooseLinearBytes,
  fitsLinearBytes,
  linearBytesParams,
  type LinearBytesShape,
} from "./linear_bytes/linear_bytes.ts";
export {
  packCodebooks,
  type PackedCodebooks,
  thresholdsOf,
} from "./codebook_quantize/thresholds.ts";
export { channelMode, ROUNDING } from "./fake_quantize/fake_quantize.ts";
export { chooseShortcut, shortcutParams, type ShortcutShape } from "./shortcut/shortcut.ts";
export {
  inverseRectifiedSigmoid,
  LEAST_FACTOR,
  rectifiedSigmoid,
  softRoundParams,
  type SoftRoundShape,
} from "./soft_round/soft_round.ts";
export * from "./quantization_aware.ts";
export { permutationBits, permutedIndex } from "./sample_batch/permutation.ts";
export {
  type RequantizeEntry,
  requantizeParams,
  type RequantizeShape,
  requantizeSlots,
} from "./requantize/requantize.ts";
export { levelCode, type LevelGrid, REQUANTIZE_ROUNDING } from "./requantize/reference.ts";
export { roundHalfEven, roundStochastically, roundWithDeadZone } from "./rounding.ts";

/** Every kernel of the project: what the tests, `verify` and the bench go through. */
export const kernelRooms: readonly KernelRoom[] = [
  accuracyKernels,
  adamKernels,
  augmentKernels,
  averagePoolKernels,
  batchNormKernels,
  batchStatisticsKernels,
  codebookQuantizeKernels,
  differenceKernels,
  dropoutKernels,
  dwtAnalysisKernels,
  dwtSynthesisKernels,
  elementwiseKernels,
  fakeQuantizeKernels,
  gatherKernels,
  haarAnalysisKernels,
  haarSynthesisKernels,
  histogramKernels,
  logSoftmaxKernels,
  maxPoolKernels,
  movingAverageKernels,
  naiveConv2dKernels,
  linearBytesKernels,
  naiveMatmulKernels,
  nllKernels,
  packConv2dKernels,
  patchesKernels,
  permuteKernels,
  randomKernels,
  registerConv2dKernels,
  registerMatmulKernels,
  workgroupMatmulKernels,
  reduceByLaneKernels,
  reduceByWorkgroupKernels,
  reluKernels,
  requantizeKernels,
  sampleBatchKernels,
  sgdKernels,
  shortcutKernels,
  softmaxNllKernels,
  stochasticFakeQuantizeKernels,
  streamKeysKernels,
  softRoundKernels,
  squaredErrorKernels,
  thresholdKernels,
  trainingClockKernels,
  vectorWeightGradientKernels,
  weightGradientKernels,
  ...quantizationAwareRooms,
  ...integerRooms,
  ...rooflineKernels,
];
