export {
  captureNetwork,
  decodeNetwork,
  encodeNetwork,
  resumeOptions,
  type SavedNetwork,
} from "./checkpoint.ts";
export { evaluate, type Evaluation } from "./evaluate.ts";
export { checkFiniteWeights, NonFiniteWeightError } from "./finite_weights.ts";
export {
  type Adam,
  adam,
  type Optimizer,
  type OptimizerState,
  type Sgd,
  sgd,
  stepTable,
} from "./optimizer.ts";
export { learningRateAt, type Schedule, SCHEDULES } from "./schedule.ts";
export {
  createTrainer,
  NonFiniteLossError,
  type Trainer,
  type TrainerOptions,
  type TrainingPlan,
} from "./trainer.ts";
