import type { Bits } from "../../compression/mod.ts";
import { adam, type QuantizationAwareSpec, type TrainingPlan } from "../../training/mod.ts";
import { differenceChart, lineChart } from "../charts/chart_spec.ts";
import { defineExperiment, type Experiment } from "../define.ts";
import { fcNNOnMnist } from "./fc_nn_on_mnist.ts";

/** Bits of information in three levels. */
const TERNARY = 1.585;
const WIDTHS = [1, TERNARY, 2, 3, 4];
/** Bits of a pixel where everything else has one: black and white is another data set. */
const IMAGE_OF_ONE_BIT = 8;

/** What is trained on: 20 epochs from the trained network, which is also the teacher. */
const TRAINING: TrainingPlan = {
  optimizer: adam({ learningRate: 2e-3 }),
  schedule: { kind: "cosine", finalFraction: 0 },
  epochs: 20,
  batchSize: 128,
  augmentation: { cropPadding: 1 },
  distillation: { weight: 0.5 },
};

/** One bit everywhere learns better from labels alone, unmoved images and longer. */
const TRAINING_OF_ONE_BIT: TrainingPlan = {
  optimizer: TRAINING.optimizer,
  schedule: { kind: "one_cycle", warmup: 0.3 },
  epochs: 30,
  batchSize: TRAINING.batchSize,
};

function trainingOf(quantized: string, width: number): TrainingPlan {
  return quantized === "weights_and_activations" && width === 1 ? TRAINING_OF_ONE_BIT : TRAINING;
}

type Estimator = "learned" | "ranges" | "float32";
const ESTIMATORS: readonly Estimator[] = ["float32", "ranges", "learned"];

function weightsOf(estimator: Estimator, width: number): QuantizationAwareSpec["weights"] {
  const granularity = "channel";
  // a learned step of signs cuts the gradient of all larger weights
  if (estimator === "learned" && width !== 1) {
    const bits = width === TERNARY ? "ternary" : width as Bits;
    return { kind: "learnedStep", bits, granularity };
  }
  if (width === 1) return { kind: "magnitude", levels: "binary", granularity };
  if (width === TERNARY) return { kind: "magnitude", levels: "ternary", granularity };
  return { kind: "straightThrough", bits: width as Bits, granularity };
}

function specOf(estimator: Estimator, quantized: string, width: number): QuantizationAwareSpec {
  if (estimator === "float32") return {};
  const weights = weightsOf(estimator, width);
  if (quantized === "weights") return { weights };
  const bits = Math.ceil(width) as Bits;
  return {
    weights,
    inputs: { kind: estimator === "learned" ? "learnedStep" : "straightThrough", bits },
    image: { bits: bits === 1 ? IMAGE_OF_ONE_BIT : bits },
  };
}

/** What does training under quantization give back? */
export const qat: Experiment = defineExperiment({
  name: "qat",
  question: "How few bits are enough when a network is trained on under quantization, and does a " +
    "step that learns do better than the range of the weights?",
  hypotheses: [
    "Two bits for weights lose less than 0.5 point against float32 trained on for as long.",
    "Learned steps beat ranges wherever activations have 2 bits or less.",
    "One bit for weights and activations keeps 95 %.",
  ],
  method: [
    `Each trained network is trained on for ${TRAINING.epochs} epochs, half by its labels and half by ` +
    "its own float32 logits; images are moved by up to a pixel. The control is trained on likewise " +
    `and stays float32. With 1 bit for weights and activations all learn from labels alone, from images ` +
    `that stay where they are, for ${TRAINING_OF_ONE_BIT.epochs} epochs.`,
    "Learned: LSQ steps of weights per output channel, of inputs per tensor. Ranges: straight-through " +
    "on the range that weights have at each step and on a moving average of that of inputs; mean " +
    "magnitudes for three levels and, with either estimator, for two. Biases stay at 32 bits.",
    "With activations, inputs of all layers and pixels have as many bits as weights; ternary weights go " +
    `with 2 bits, and with 1 bit pixels have ${IMAGE_OF_ONE_BIT}.`,
  ],
  grid: {
    estimator: ESTIMATORS,
    quantized: ["weights", "weights_and_activations"],
    bits: WIDTHS,
  },
  axes: {
    estimator: {
      label: "estimator",
      values: { float32: "float32, trained on", ranges: "ranges", learned: "learned steps" },
    },
    quantized: {
      label: "quantized",
      values: { weights: "weights", weights_and_activations: "weights + activations" },
    },
    bits: { label: "bits per weight", unit: "bit", values: { [TERNARY]: "ternary" } },
  },
  budget: { axis: "bits", scale: "linear" },
  seeds: 5,
  models: ["fc_nn", "cnn", "resnet"],
  baseline: (seed) => ({ ...fcNNOnMnist, seed, compression: { kind: "none" } }),
  trial: ({ estimator, quantized, bits }, seed) => ({
    ...fcNNOnMnist,
    seed,
    compression: {
      kind: "quantization_aware",
      spec: specOf(estimator, quantized, bits),
      training: trainingOf(quantized, bits),
    },
  }),
  metrics: ["testAccuracy", "testLoss", "predictedClasses"],
  compare: (["weights", "weights_and_activations"] as const).flatMap((quantized) => [
    {
      name: `learned steps - ranges, ${quantized}`,
      first: { estimator: "learned" as const, quantized },
      second: { estimator: "ranges" as const, quantized },
    },
    {
      name: `learned steps - float32 trained on, ${quantized}`,
      first: { estimator: "learned" as const, quantized },
      second: { estimator: "float32" as const, quantized },
    },
  ]),
  charts: [
    lineChart({
      name: "accuracy_over_bits",
      title: "Trained on under quantization: accuracy over bits",
      y: "testAccuracy",
      zoomFrom: 94,
      markDelta: 0.005,
    }),
    differenceChart({
      name: "differences_over_bits",
      title: "Learned steps against ranges, and against float32 trained on",
      y: "testAccuracy",
      zoomWithin: 1,
      comparisons: [
        "learned steps - ranges, weights",
        "learned steps - ranges, weights_and_activations",
        "learned steps - float32 trained on, weights",
        "learned steps - float32 trained on, weights_and_activations",
      ],
    }),
  ],
});
