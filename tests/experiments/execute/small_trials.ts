import { reconstructionPlan, type WeightGridOptions } from "../../../compression/mod.ts";
import type { Execute } from "../../../experiments/executor.ts";
import type { Outcome } from "../../../experiments/store.ts";
import {
  type CompressionSpec,
  type Recipe,
  type Trial,
  trialId,
  type WaveletThresholdCompression,
} from "../../../experiments/trial.ts";
import type { TrainingPlan } from "../../../training/mod.ts";

const haar: WaveletThresholdCompression = {
  kind: "wavelet_threshold",
  wavelet: "haar",
  levels: 2,
  mode: "periodization",
  keep: 0.2,
  layout: "image",
  layers: "first",
  threshold: "hard",
};

const TRAINING: TrainingPlan = {
  optimizer: { kind: "adam", learningRate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  schedule: { kind: "constant" },
  epochs: 1,
  batchSize: 64,
};

const postTraining = { kind: "post_training" } as const;
const channels: WeightGridOptions = { grid: { kind: "affine", bits: 2 }, granularity: "channel" };
const mixed = {
  ...postTraining,
  method: "mixed_precision",
  averageBits: 2.5,
  images: 64,
} as const;
const inputs = { activations: { grid: { kind: "affine", bits: 3 } } } as const;
const plan = { ...reconstructionPlan({ steps: 20 }), batchSize: 32 };

/** Every kind of compression, several of a kind that are measured in the same dispatches. */
export const COMPRESSIONS: readonly CompressionSpec[] = [
  { kind: "none" },
  { kind: "affine", bits: 2, granularity: "tensor", activations: false },
  { kind: "affine", bits: 4, granularity: "channel", activations: false },
  { kind: "affine", bits: 3, granularity: "tensor", activations: true },
  { kind: "affine", bits: 8, granularity: "channel", activations: true },
  haar,
  { ...haar, keep: 0.05 },
  { ...haar, layout: "permuted" },
  { kind: "magnitude_prune", keep: 0.1, layers: "all" },
  { kind: "magnitude_prune", keep: 0.3, layers: "all" },
  { kind: "levels", bits: 4, rounding: "towardZero", scale: "absmax" },
  { ...postTraining, method: "nearest", weights: channels },
  {
    ...postTraining,
    method: "nearest",
    weights: { grid: { kind: "affine", bits: 4, symmetric: true }, granularity: "channel" },
  },
  { ...postTraining, method: "hqq", bits: 3, granularity: "channel" },
  { ...postTraining, method: "bias_correction", weights: channels, images: 64 },
  { ...postTraining, method: "gptq", weights: channels, images: 64 },
  { ...postTraining, method: "ada_round", weights: channels, plan, images: 64 },
  {
    ...postTraining,
    method: "nearest",
    weights: { grid: { kind: "affine", bits: 3 }, granularity: "tensor" },
    rescaling: { kind: "equalized" },
  },
  {
    ...postTraining,
    method: "second_order",
    weights: { grid: { kind: "lloydMax", bits: 2 }, granularity: "channel" },
    sweeps: 1,
    images: 64,
  },
  { ...postTraining, method: "reconstruction", weights: channels, plan, images: 64 },
  {
    ...postTraining,
    method: "reconstruction",
    weights: { grid: { kind: "lloydMax", bits: 2 }, granularity: "channel" },
    plan,
    images: 64,
  },
  { ...mixed, sensitivity: "loss", search: "exact" },
  { ...mixed, averageBits: 4, sensitivity: "hessian", search: "greedy" },
  { ...postTraining, ...inputs, method: "nearest", weights: channels },
  {
    ...postTraining,
    ...inputs,
    method: "nearest",
    weights: channels,
    rescaling: { kind: "smoothed", alpha: 0.5 },
  },
  {
    ...postTraining,
    activations: { range: "dynamic", bits: 3 },
    method: "nearest",
    weights: channels,
  },
  {
    ...postTraining,
    activations: { range: "dynamic", bits: 2 },
    method: "gptq",
    weights: channels,
    images: 64,
  },
  { ...postTraining, ...inputs, method: "gptq", weights: channels, images: 64 },
  { ...postTraining, ...inputs, method: "reconstruction", weights: channels, plan, images: 64 },
  {
    kind: "quantization_aware",
    spec: {
      weights: { kind: "learnedStep", bits: 2, granularity: "channel" },
      inputs: { kind: "learnedStep", bits: 2 },
    },
    training: { ...TRAINING, distillation: { weight: 0.5 } },
  },
];

/**
 * A recipe that is trained in a moment.
 *
 * @param dataset Folder of idx files.
 * @param learningRate Of Adam.
 * @returns One epoch in batches of 64.
 */
export function smallRecipe(dataset: string, learningRate: number = 1e-2): Recipe {
  return {
    data: { dataset, train: "all" },
    model: { kind: "fc_nn", hidden: [16] },
    training: { ...TRAINING, optimizer: { ...TRAINING.optimizer, learningRate } },
  };
}

/** Every compression of every seed's network. */
export function trialsOf(
  recipe: Recipe,
  seeds: readonly number[],
  compressions: readonly CompressionSpec[] = COMPRESSIONS,
): Trial[] {
  return seeds.flatMap((seed) =>
    compressions.map((compression) => ({ ...recipe, seed, compression }))
  );
}

/** What an executor said. */
export interface Heard {
  /** How each trial ended, in the order of `trials`; `undefined` if it was not reported. */
  readonly outcomes: readonly (Outcome | undefined)[];
  /** Words about trainings. */
  readonly trainings: readonly string[];
}

/**
 * Runs an executor to its end and writes down what it reports.
 *
 * @throws {Error} If a trial ends twice, or one ends that nobody asked for.
 */
export async function listen(execute: Execute, trials: readonly Trial[]): Promise<Heard> {
  const asked = new Set(trials.map(trialId));
  const ended = new Map<string, Outcome>();
  const trainings: string[] = [];
  await execute(trials, (id, outcome) => {
    if (!asked.has(id)) throw new Error(`nobody asked for ${id}`);
    if (outcome.status === "training") return void trainings.push(outcome.note ?? "");
    if (ended.has(id)) throw new Error(`${id} ended twice`);
    ended.set(id, outcome);
  }, new AbortController().signal);
  return { outcomes: trials.map((trial) => ended.get(trialId(trial))), trainings };
}

/** The numbers of measured trials, without the seconds, which differ. */
export function metricsOf({ outcomes }: Heard): unknown[] {
  return outcomes.map((outcome) => outcome?.status === "done" ? outcome.metrics : outcome);
}
