import type { Bits, ObserverSpec } from "../../compression/mod.ts";
import { differenceChart, lineChart } from "../charts/chart_spec.ts";
import { defineExperiment, type Experiment } from "../define.ts";
import type { PostTrainingCompression } from "../quantization_trial.ts";
import { OBSERVED_AT_ONCE, OBSERVED_IMAGES } from "../../training/mod.ts";
import { fcNNOnMnist } from "./fc_nn_on_mnist.ts";

type Inputs = Pick<PostTrainingCompression, "activations" | "rescaling">;

/** Strength of SmoothQuant: its paper's. */
const ALPHA = 0.5;

function observed(observer: ObserverSpec): (bits: Bits) => Inputs {
  return (bits) => ({ activations: { grid: { kind: "affine", bits }, observer } });
}

const leastSquares = observed({ kind: "meanSquaredError" });

const ARMS = {
  minMax: observed({ kind: "minMax" }),
  movingAverage: observed({ kind: "movingAverage", momentum: 0.1 }),
  percentile: observed({ kind: "percentile", percentile: 99.9 }),
  meanSquaredError: leastSquares,
  entropy: observed({ kind: "entropy" }),
  smoothed: (bits) => ({ ...leastSquares(bits), rescaling: { kind: "smoothed", alpha: ALPHA } }),
  dynamic: (bits) => ({ activations: { range: "dynamic", bits } }),
} as const satisfies Record<string, (bits: Bits) => Inputs>;

const NAMES = Object.keys(ARMS) as (keyof typeof ARMS)[];

/** Weights have so many bits that what is lost is lost by the activations. */
const WEIGHT_BITS: Bits = 8;

/** Which way to find the range of activations loses least? */
export const calibration: Experiment = defineExperiment({
  name: "calibration",
  question: "How much does it matter how the ranges of activations are found?",
  hypotheses: [
    "At 8 bits it does not matter.",
    "At 4 bits and less the range of least squared error beats the smallest and largest value.",
    "Entropy, made for 8 bits, is no better than least squared error at any width.",
    "A range of its own for every image, found as it is computed, beats any that is chosen before.",
    "SmoothQuant, made for large channels of language models, changes nothing here.",
  ],
  method: [
    `Weights have ${WEIGHT_BITS} bits, per output channel; biases 32. The input of every layer, images ` +
    "included, is rounded per tensor to an asymmetric grid on the range that an observer finds on " +
    `${OBSERVED_IMAGES} training images of the float32 network, in batches of ${OBSERVED_AT_ONCE}.`,
    "The moving average takes a tenth of each batch's range; the percentile leaves out 0.1 % at each " +
    "end.",
    `SmoothQuant (alpha ${ALPHA}) moves a part of the range of hidden activations into the weights behind ` +
    "them, then takes least squared error. Dynamic: every image has the smallest and largest value of " +
    "its own activations, layer by layer.",
  ],
  grid: { observer: NAMES, bits: [1, 2, 3, 4, 6, 8] },
  axes: {
    observer: {
      label: "observer",
      values: {
        minMax: "min-max",
        movingAverage: "moving average",
        percentile: "99.9th percentile",
        meanSquaredError: "least squared error",
        entropy: "entropy",
        smoothed: "SmoothQuant, least squared error",
        dynamic: "dynamic, an image",
      },
    },
    bits: { label: "bits per activation", unit: "bit" },
  },
  budget: { axis: "bits", scale: "linear" },
  seeds: 5,
  models: ["fc_nn", "cnn", "resnet"],
  baseline: (seed) => ({ ...fcNNOnMnist, seed, compression: { kind: "none" } }),
  trial: ({ observer, bits }, seed) => ({
    ...fcNNOnMnist,
    seed,
    compression: {
      kind: "post_training",
      method: "nearest",
      weights: { grid: { kind: "affine", bits: WEIGHT_BITS }, granularity: "channel" },
      ...ARMS[observer](bits as Bits),
    },
  }),
  metrics: ["testAccuracy", "testLoss", "predictedClasses"],
  compare: NAMES.slice(1).map((observer) => ({
    name: `${observer} - minMax`,
    first: { observer },
    second: { observer: "minMax" as const },
  })),
  charts: [
    lineChart({
      name: "accuracy_over_bits",
      title: "Activations quantized after training: accuracy over bits",
      y: "testAccuracy",
      zoomFrom: 94,
      markDelta: 0.005,
    }),
    differenceChart({
      name: "differences_over_bits",
      title: "What observers gain over min-max",
      y: "testAccuracy",
      zoomWithin: 2,
      comparisons: NAMES.slice(1).map((observer) => `${observer} - minMax`),
    }),
  ],
});
