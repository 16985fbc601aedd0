import { MODELS } from "../../models/mod.ts";
import type { CnnSpec } from "../../models/mod.ts";
import { adam } from "../../training/mod.ts";
import { differenceChart, lineChart } from "../charts/chart_spec.ts";
import { defineExperiment, type Experiment } from "../define.ts";
import type { Recipe } from "../trial.ts";

const WEIGHT_DECAY = 0.05;
const DROPOUT = 0.3;

type Augmentation = "none" | "crop_flip";
type Decay = "none" | "decay";
type Dropout = "none" | "dropout";

function recipeOf(augmentation: Augmentation, decay: Decay, dropout: Dropout): Recipe {
  const model = MODELS.cnn_282k as CnnSpec;
  return {
    data: { dataset: "cifar10", train: "all" },
    model: dropout === "dropout" ? { ...model, dropout: DROPOUT } : model,
    training: {
      optimizer: adam({
        learningRate: 3e-3,
        ...decay === "decay" && { weightDecay: WEIGHT_DECAY },
      }),
      schedule: { kind: "one_cycle", warmup: 0.3 },
      epochs: 10,
      batchSize: 128,
      ...augmentation === "crop_flip" &&
        { augmentation: { cropPadding: 4, horizontalFlip: true } },
    },
  };
}

const only = { augmentation: "none", decay: "none", dropout: "none" } as const;

/** Does what helps a network generalize also help it survive quantization? */
export const generalisation: Experiment = defineExperiment({
  name: "generalisation",
  question: "What do augmentation, weight decay and dropout do to the accuracy of a small " +
    "convolutional network, and to what is left of it after quantization to 8, 4, 3 and 2 bits?",
  hypotheses: [
    "Augmentation raises the float32 accuracy most, by more than 1 point.",
    "Weight decay narrows the ranges of weights: it loses less at 4 and 3 bits than none does.",
    "At 8 bits every network keeps its accuracy within 0.5 point, whatever it was trained with.",
  ],
  method: [
    "Every combination of augmentation (crop after padding by 4 pixels, horizontal flip for color " +
    `images), decoupled weight decay (${WEIGHT_DECAY}) and dropout (${DROPOUT}, inputs of linear ` +
    "layers) is a training of its own; each seed has the same initial weights and batches in all.",
    "Each network is then quantized after training: weights, one asymmetric min-max range an output " +
    "channel, rounding to nearest even; biases and activations stay at 32 bits. 16 bits, with steps " +
    "of 1/65,535 of a range, stand for each network as it was trained.",
    "What everything is compared with is the float32 network trained without any of the three.",
  ],

  grid: {
    augmentation: ["none", "crop_flip"] as Augmentation[],
    decay: ["none", "decay"] as Decay[],
    dropout: ["none", "dropout"] as Dropout[],
    bits: [2, 3, 4, 8, 16],
  },
  axes: {
    augmentation: {
      label: "augmentation",
      values: { none: "as they are", crop_flip: "augmented" },
    },
    decay: { label: "weight decay", values: { none: "no decay", decay: "decay" } },
    dropout: { label: "dropout", values: { none: "no dropout", dropout: "dropout" } },
    bits: { label: "bits per weight", unit: "bit" },
  },
  budget: { axis: "bits", scale: "linear" },
  seeds: 3,
  models: ["cnn"],

  baseline: (seed) => ({
    ...recipeOf(only.augmentation, only.decay, only.dropout),
    seed,
    compression: { kind: "none" },
  }),
  trial: ({ augmentation, decay, dropout, bits }, seed) => ({
    ...recipeOf(augmentation, decay, dropout),
    seed,
    compression: { kind: "affine", bits, granularity: "channel", activations: false },
  }),

  metrics: ["testAccuracy", "testLoss", "predictedClasses"],
  compare: [
    {
      name: "augmented - not",
      first: { augmentation: "crop_flip", decay: "none", dropout: "none" },
      second: only,
    },
    {
      name: "weight decay - none",
      first: { augmentation: "none", decay: "decay", dropout: "none" },
      second: only,
    },
    {
      name: "dropout - none",
      first: { augmentation: "none", decay: "none", dropout: "dropout" },
      second: only,
    },
    {
      name: "all three - none",
      first: { augmentation: "crop_flip", decay: "decay", dropout: "dropout" },
      second: only,
    },
  ],
  charts: [
    lineChart({
      name: "accuracy_over_bits",
      title: "Trained with and without augmentation, weight decay, dropout: accuracy over bits",
      y: "testAccuracy",
      zoomFrom: 60,
      markDelta: 0.01,
    }),
    differenceChart({
      name: "differences_over_bits",
      title: "What each changes, at every bit-width",
      y: "testAccuracy",
      zoomWithin: 5,
      comparisons: [
        "augmented - not",
        "weight decay - none",
        "dropout - none",
        "all three - none",
      ],
    }),
  ],
});
