import type { AffineGridSpec, Bits, ObserverSpec } from "../../compression/mod.ts";
import { differenceChart, lineChart } from "../charts/chart_spec.ts";
import { defineExperiment, type Experiment } from "../define.ts";
import { fcNNOnMnist } from "./fc_nn_on_mnist.ts";

const OBSERVERS = {
  minMax: { kind: "minMax" },
  movingAverage: { kind: "movingAverage", momentum: 0.1 },
  percentile: { kind: "percentile", percentile: 99.9 },
  meanSquaredError: { kind: "meanSquaredError" },
  entropy: { kind: "entropy" },
} as const satisfies Record<string, ObserverSpec>;

const NAMES = Object.keys(OBSERVERS) as (keyof typeof OBSERVERS)[];

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
  ],
  method: [
    `Weights have ${WEIGHT_BITS} bits, per output channel; biases 32. The input of every layer, images ` +
    "included, is rounded per tensor to an asymmetric grid on the range that an observer finds on 256 " +
    "training images of the float32 network, in batches of 64.",
    "The moving average takes a tenth of each batch's range; the percentile leaves out 0.1 % at each " +
    "end.",
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
      },
    },
    bits: { label: "bits per activation", unit: "bit" },
  },
  budget: { axis: "bits", scale: "linear" },
  seeds: 5,
  models: ["fc_nn", "cnn", "resnet"],
  baseline: (seed) => ({ ...fcNNOnMnist, seed, compression: { kind: "none" } }),
  trial: ({ observer, bits }, seed) => {
    const grid: AffineGridSpec = { kind: "affine", bits: bits as Bits };
    return {
      ...fcNNOnMnist,
      seed,
      compression: {
        kind: "post_training",
        method: "nearest",
        weights: { grid: { kind: "affine", bits: WEIGHT_BITS }, granularity: "channel" },
        activations: { grid, observer: OBSERVERS[observer] },
      },
    };
  },
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
