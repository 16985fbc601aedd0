export { type Augmentation, augmentImages } from "./augmentation.ts";
export {
  type ActivationRanges,
  calibrate,
  type Calibration,
  type ObservedRanges,
} from "./calibrate.ts";
export {
  fewImagesRemarks,
  OBSERVED_AT_ONCE,
  OBSERVED_IMAGES,
  RANGE_IMAGES,
} from "./calibration_images.ts";
export {
  captureNetwork,
  decodeNetwork,
  encodeNetwork,
  isForTraining,
  resumeOptions,
  type SavedNetwork,
} from "./checkpoint.ts";
export { type EarlyStopping, earlyStopping } from "./early_stopping.ts";
export { evaluate, type Evaluation } from "./evaluate.ts";
export { checkFiniteWeights, NonFiniteWeightError } from "./finite_weights.ts";
export {
  type CodeAgreement,
  type IntegerAgreement,
  integerAgreement,
} from "./integer_agreement.ts";
export { type IntegerNetworkSource, toIntegers } from "./integer_network.ts";
export {
  layerHessianTraces,
  measureSensitivities,
  type QuantizeToBits,
} from "./layer_sensitivity.ts";
export { hessianChoices, measureAllocations, type MeasuredAllocation } from "./mixed_precision.ts";
export { NonFiniteLossError } from "./non_finite_loss.ts";
export {
  type Adam,
  adam,
  type Optimizer,
  type OptimizerState,
  type Sgd,
  sgd,
  stepTable,
} from "./optimizer.ts";
export { observeActivations, type ObservedActivations } from "./observe_activations.ts";
export {
  type ActivationGridOptions,
  type ObservedInputs,
  observeRanges,
} from "./observe_ranges.ts";
export { dynamicInputs } from "./dynamic_inputs.ts";
export { gridsOfRanges, quantizedInputs } from "./input_grids.ts";
export { layerRemarks } from "./layer_remarks.ts";
export {
  type CalibrationOptions,
  type LayerReport,
  type QuantizedNetwork,
  type QuantizeLayer,
  quantizeLayerByLayer,
} from "./quantize_layers.ts";
export {
  type NetworkReconstruction,
  reconstruct,
  type ReconstructedVariant,
} from "./reconstruct.ts";
export { type BlockPlan, type NetworkReconstructionPlan } from "./reconstruction_blocks.ts";
export { equalizeNetwork, smoothNetwork } from "./rescale_network.ts";
export { type Distillation, planMistakes, type TrainingPlan } from "./plan.ts";
export { type ExportedNetwork, exportQuantizationAware } from "./quantization_aware/export.ts";
export {
  initialQuantizationAware,
  needsCalibration,
  type QuantizationAwareStart,
} from "./quantization_aware/initialize.ts";
export { quantizationAware, type QuantizationAwareModel } from "./quantization_aware/model.ts";
export { quantizationAwareMistakes, weightEstimatorsOf } from "./quantization_aware/mistakes.ts";
export type {
  AsymmetricStraightThroughWeights,
  DorefaWeights,
  InputEstimator,
  LearnedClipInputs,
  LearnedStepInputs,
  LearnedStepIntegerInputs,
  LearnedStepSignInputs,
  LearnedStepWeights,
  MagnitudeWeights,
  QuantizationAwareSpec,
  StraightThroughInputs,
  StraightThroughWeights,
  SymmetricStraightThroughWeights,
  WeightEstimator,
} from "./quantization_aware/spec.ts";
export { trainedInputGrids, trainedInputs } from "./quantization_aware/trained_inputs.ts";
export { learningRateAt, type Schedule, SCHEDULES } from "./schedule.ts";
export { createTrainer, type Trainer } from "./trainer.ts";
export {
  type InPlaceWeights,
  type ShadowWeights,
  WEIGHT_STREAM,
  type WeightQuantization,
  type WeightStatistics,
} from "./weight_quantization.ts";
export type { Teacher, TrainerOptions } from "./training_state.ts";
