export { type Augmentation, augmentImages } from "./augmentation.ts";
export {
  captureNetwork,
  decodeNetwork,
  encodeNetwork,
  resumeOptions,
  type SavedNetwork,
} from "./checkpoint.ts";
export { type EarlyStopping, earlyStopping } from "./early_stopping.ts";
export { evaluate, type Evaluation } from "./evaluate.ts";
export { checkFiniteWeights, NonFiniteWeightError } from "./finite_weights.ts";
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
export { type ActivationGridOptions, observeActivations } from "./observe_activations.ts";
export { planMistakes, type TrainingPlan } from "./plan.ts";
export {
  type CalibrationOptions,
  type LayerReport,
  type QuantizedNetwork,
  type QuantizeLayer,
  quantizeLayerByLayer,
} from "./quantize_layers.ts";
export {
  type BlockPlan,
  type NetworkReconstruction,
  type NetworkReconstructionPlan,
  reconstruct,
  type ReconstructedVariant,
} from "./reconstruct.ts";
export { learningRateAt, type Schedule, SCHEDULES } from "./schedule.ts";
export { createTrainer, type Trainer } from "./trainer.ts";
export type { TrainerOptions } from "./training_state.ts";
export {
  type InPlaceWeights,
  type ShadowWeights,
  type WeightQuantization,
  type WeightStatistics,
} from "./weight_quantization.ts";
