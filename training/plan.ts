import { type Augmentation, augmentationMistakes } from "./augmentation.ts";
import type { Optimizer } from "./optimizer.ts";
import type { Schedule } from "./schedule.ts";
import { type WeightQuantization, weightQuantizationMistakes } from "./weight_quantization.ts";

/** How to train; frozen data, part of a trial. */
export interface TrainingPlan {
  /** What turns gradients into steps. */
  readonly optimizer: Optimizer;
  /** How the learning rate changes. */
  readonly schedule: Schedule;
  /** Passes over the training set. */
  readonly epochs: number;
  /** Examples of each network in a step. */
  readonly batchSize: number;
  /** What is done to images at random; nothing if left out. */
  readonly augmentation?: Augmentation;
  /** Share of each target that is spread over all classes alike; none if left out. */
  readonly labelSmoothing?: number;
  /**
   * Decay of an exponential moving average of all weights and running statistics, which is then what
   * is evaluated and kept; left out, the weights themselves are.
   *
   * At step t, counted from 0, the decay is `min(emaDecay, (1 + t) / (10 + t))`, so that the initial
   * weights are soon forgotten, as in TensorFlow.
   *
   * @see Polyak and Juditsky 1992, doi:10.1137/0330046
   */
  readonly emaDecay?: number;
  /** Grid that weights are put on while they are trained; none if left out. */
  readonly weightQuantization?: WeightQuantization;
  /**
   * Learns from a teacher too, a trained network that the trainer is given; from labels alone if left
   * out.
   *
   * @see Hinton et al. 2015, arXiv:1503.02531
   */
  readonly distillation?: Distillation;
}

/** How much a network listens to its teacher; frozen data, part of a trial. */
export interface Distillation {
  /** Share of the teacher in the loss, above 0 and at most 1; the labels have the rest. */
  readonly weight: number;
  /** What logits are divided by before they are compared; 1 if left out. */
  readonly temperature?: number;
}

function distillationMistakes({ distillation, labelSmoothing = 0 }: TrainingPlan): string[] {
  if (distillation === undefined) return [];
  const { weight, temperature = 1 } = distillation;
  const mistakes: string[] = [];
  if (!(weight > 0 && weight <= 1)) {
    mistakes.push(`the teacher's share of the loss must be above 0 and at most 1: ${weight}`);
  }
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    mistakes.push(`the temperature of distillation must be above 0: ${temperature}`);
  }
  if (labelSmoothing > 0) mistakes.push("labels are smoothed or distilled, not both");
  return mistakes;
}

/**
 * Lists what is wrong with the numbers of a plan that may be left out.
 *
 * @param plan How to train.
 * @returns What must be how, and what it is; empty if all is well.
 */
export function planMistakes(plan: TrainingPlan): string[] {
  const { augmentation = {}, labelSmoothing = 0, emaDecay = 0, optimizer, weightQuantization } =
    plan;
  const { weightDecay = 0 } = optimizer;
  const mistakes = [...augmentationMistakes(augmentation), ...distillationMistakes(plan)];
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    mistakes.push(`the label smoothing must be from 0 to 1: ${labelSmoothing}`);
  }
  if (!(emaDecay >= 0 && emaDecay < 1)) {
    mistakes.push(`the decay of averaged weights must be from 0 to less than 1: ${emaDecay}`);
  }
  if (!(weightDecay >= 0 && Number.isFinite(weightDecay))) {
    mistakes.push(`the weight decay must be at least 0: ${weightDecay}`);
  }
  mistakes.push(...weightQuantizationMistakes(weightQuantization));
  if (weightQuantization !== undefined && plan.emaDecay !== undefined) {
    mistakes.push("quantized weights must not be averaged: the average would not be on their grid");
  }
  return mistakes;
}

/**
 * Refuses a plan that cannot be carried out.
 *
 * @param plan How to train.
 * @param count Examples of the training set.
 * @param networks How many networks.
 * @throws {RangeError} If the batch is larger than the set, or a number is out of range.
 */
export function checkPlan(plan: TrainingPlan, count: number, networks: number): void {
  const { batchSize, epochs } = plan;
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > count) {
    throw new RangeError(
      `Cannot train with batches of ${batchSize}: the batch size must be a whole number from 1 to ` +
        `the ${count} examples of the training set`,
    );
  }
  if (!Number.isInteger(epochs) || epochs < 1 || networks < 1) {
    throw new RangeError(
      `Cannot train for ${epochs} epochs with ${networks} seeds: both must be at least 1`,
    );
  }
  const mistakes = planMistakes(plan);
  if (mistakes.length > 0) throw new RangeError(`Cannot train: ${mistakes.join("; ")}`);
}
