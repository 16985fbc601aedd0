import { networkId, type Trial } from "./trial.ts";
import type { PlannedTrial } from "./plan.ts";
import { weightRows } from "./weight_rows.ts";

/** A training image is seen forward, and backward for inputs and for weights. */
const PASSES_OF_A_TRAINING_STEP = 3;
const TRAINING_IMAGES = { all: 60_000, split: 50_000 };
const imagesOf = ({ data }: Trial) => Math.min(TRAINING_IMAGES[data.train], data.first ?? Infinity);
const TEST_IMAGES = 10_000;
/** What rounding weights and activations, and its gradients, add to a pass. */
const UNDER_QUANTIZATION = 2;
/** What a product costs on the host, where OBQ takes some inputs^2 / 4 a weight: a pass takes one. */
const ON_HOST = 10;

/** Passes that it takes to compress a trained network; quick methods count as none. */
function passesOfCompression(trial: Trial): number {
  const { compression } = trial;
  if (compression.kind === "quantization_aware") {
    const { epochs, distillation } = compression.training;
    const ofTeacher = distillation === undefined ? 0 : 1;
    const ofStep = UNDER_QUANTIZATION * PASSES_OF_A_TRAINING_STEP + ofTeacher;
    return ofStep * epochs * imagesOf(trial);
  }
  if (compression.kind === "post_training" && compression.method === "reconstruction") {
    const { steps, batchSize, blocks } = compression.plan;
    const problems = typeof blocks === "string" ? weightRows(trial).length : blocks?.length ?? 1;
    return UNDER_QUANTIZATION * PASSES_OF_A_TRAINING_STEP * steps * batchSize * problems;
  }
  if (compression.kind === "post_training" && compression.method === "obq") {
    return ON_HOST * Math.max(0, ...weightRows(trial).map(({ size }) => size)) ** 2 / 4;
  }
  return 0;
}

/**
 * Follows how much of the work is done, counted in forward passes of an image: training a network
 * costs hundreds of times what measuring it costs, so counting trials would mislead about the time
 * that is left.
 */
export class WorkMeter {
  readonly #training = new Map<string, { total: number; completed: number }>();
  readonly #networkOf = new Map<string, string>();
  readonly #measuring = new Map<string, number>();
  #measured = 0;
  readonly #total: number;

  /** @param trials What is to be done; networks that several trials share are trained once. */
  constructor(trials: readonly PlannedTrial[]) {
    for (const { id, trial } of trials) {
      const network = networkId(trial);
      const total = trial.pretrained === undefined
        ? PASSES_OF_A_TRAINING_STEP * trial.training.epochs * imagesOf(trial)
        : 0;
      this.#networkOf.set(id, network);
      this.#measuring.set(id, TEST_IMAGES + passesOfCompression(trial));
      this.#training.set(network, { total, completed: 0 });
    }
    this.#total = [...this.#measuring.values()].reduce((sum, passes) => sum + passes, 0) +
      [...this.#training.values()].reduce((sum, { total }) => sum + total, 0);
  }

  /**
   * Notes how far the training behind a trial is.
   *
   * @param id Of the trial.
   * @param completed Share of its training, from 0 to 1.
   */
  trained(id: string, completed: number): void {
    const training = this.#training.get(this.#networkOf.get(id) ?? "");
    if (training) training.completed = Math.max(training.completed, Math.min(1, completed));
  }

  /**
   * Notes that a trial has ended.
   *
   * @param id Of the trial.
   */
  ended(id: string): void {
    this.trained(id, 1);
    this.#measured += this.#measuring.get(id) ?? 0;
  }

  /** Share of the work that is done, from 0 to 1. */
  get completed(): number {
    const trained = [...this.#training.values()]
      .reduce((sum, { total, completed }) => sum + total * completed, 0);
    return this.#total === 0 ? 1 : (this.#measured + trained) / this.#total;
  }
}
