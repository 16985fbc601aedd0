import { differenceChart, lineChart } from "../charts/chart_spec.ts";
import { defineExperiment, type Experiment } from "../define.ts";
import { fcNNOnMnist } from "./fc_nn_on_mnist.ts";
import { QUANTIZED, QUANTIZED_AXIS } from "./quantized_axis.ts";

/** At how many bits does a network quantized after training lose its accuracy? */
export const bitWidth: Experiment = defineExperiment({
  name: "bit_width",
  question:
    "At how many bits does a network, quantized after training, lose its accuracy, and how much " +
    "of that is due to the granularity of the ranges and to the activations?",
  hypotheses: [
    "8 bits for weights and activations cost less than 0.1 point.",
    "One range for each output channel moves the cliff at least one bit below one range a matrix.",
    "Quantizing activations as well moves the cliff up, and never down.",
  ],
  method: [
    "Each point quantizes that same network with asymmetric affine min-max ranges and rounding to " +
    "nearest even, without retraining; biases stay at 32 bits.",
    "Ranges of activations are calibrated on training images; the test set is used for the figures " +
    "below only.",
  ],

  grid: {
    granularity: ["tensor", "channel"],
    quantized: QUANTIZED,
    bits: [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16],
  },
  axes: {
    granularity: {
      label: "ranges",
      values: { tensor: "per tensor", channel: "per channel" },
    },
    quantized: QUANTIZED_AXIS,
    bits: { label: "bits per value", unit: "bit" },
  },
  budget: { axis: "bits", scale: "linear" },
  seeds: 5,
  models: ["fc_nn", "cnn", "resnet"],

  baseline: (seed) => ({ ...fcNNOnMnist, seed, compression: { kind: "none" } }),
  trial: ({ granularity, quantized, bits }, seed) => ({
    ...fcNNOnMnist,
    seed,
    compression: {
      kind: "affine",
      bits,
      granularity,
      activations: quantized === "weights_and_activations",
    },
  }),

  metrics: ["testAccuracy", "testLoss", "predictedClasses", "bytes"],
  compare: [
    {
      name: "per channel - per tensor, weights",
      first: { granularity: "channel", quantized: "weights" },
      second: { granularity: "tensor", quantized: "weights" },
    },
    {
      name: "per channel - per tensor, weights + activations",
      first: { granularity: "channel", quantized: "weights_and_activations" },
      second: { granularity: "tensor", quantized: "weights_and_activations" },
    },
    {
      name: "weights + activations - weights, per channel",
      first: { granularity: "channel", quantized: "weights_and_activations" },
      second: { granularity: "channel", quantized: "weights" },
    },
  ],
  charts: [
    lineChart({
      name: "accuracy_over_bits",
      title: "Quantized after training: accuracy over bit-width",
      y: "testAccuracy",
      zoomFrom: 95,
      markDelta: 0.005,
    }),
    differenceChart({
      name: "differences_over_bits",
      title: "Quantized after training: what granularity and activations change",
      y: "testAccuracy",
      zoomWithin: 0.5,
      comparisons: [
        "per channel - per tensor, weights",
        "per channel - per tensor, weights + activations",
        "weights + activations - weights, per channel",
      ],
    }),
  ],
  published: {
    label: "published single run",
    source: "one seed, min-max post-training quantization of weights and activations",
    comparable: { granularity: "tensor", quantized: "weights_and_activations" },
    points: [9.74, 11.5, 76.74, 92.29, 96, 96.65, 97, 96.71]
      .map((percent, i) => ({ budget: i + 1, testAccuracy: percent / 100 })),
  },
});
