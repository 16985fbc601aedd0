import { differenceChart, lineChart } from "../charts/chart_spec.ts";
import { defineExperiment, type Experiment } from "../define.ts";
import type { CompressionSpec } from "../trial.ts";
import { fcNNOnMnist } from "./fc_nn_on_mnist.ts";

function wavelet(name: "haar" | "db2", levels: number): (keep: number) => CompressionSpec {
  return (keep) => ({
    kind: "wavelet_threshold",
    wavelet: name,
    levels,
    mode: "periodization",
    keep,
    layout: "matrix",
    layers: "all",
    threshold: "hard",
  });
}

const arms = {
  magnitude: (keep: number): CompressionSpec => ({ kind: "magnitude_prune", keep, layers: "all" }),
  haar_1_level: wavelet("haar", 1),
  haar_2_levels: wavelet("haar", 2),
  db2_1_level: wavelet("db2", 1),
};
type Arm = keyof typeof arms;

/**
 * How few wavelet coefficients of all layers does a convolutional network live on?
 *
 * A kernel of 3 x 3 is no image: what is transformed is the matrix
 * `[outputs, inputs x height x width]` of each layer, where neighbors are places of one kernel, or the
 * same place of neighboring filters.
 */
export const waveletThresholdOfConvolutions: Experiment = defineExperiment({
  name: "wavelet_threshold",
  question: "How few wavelet coefficients of the weights of all its layers does a convolutional " +
    "network live on, and is that fewer than of the weights themselves?",
  hypotheses: [
    "Filters stand in no order, and kernels of 3 x 3 are too small to be smooth: at equal keep ratios " +
    "magnitude pruning beats every wavelet.",
    "Two levels of Haar lose more than one.",
  ],
  method: [
    "The weights of every layer, as the matrix [outputs, inputs x height x width], go through a 2-D " +
    "wavelet transform; the largest share of its coefficients by magnitude is kept unchanged, the " +
    "others are set to zero (hard threshold), and the inverse transform gives the weights that are " +
    "evaluated, without retraining. Biases stay as they are.",
    "Sides that are odd are extended by one, so a few coefficients more than weights may be kept.",
    "Magnitude pruning keeps the same share of each layer's weights themselves.",
  ],

  grid: {
    arm: Object.keys(arms) as Arm[],
    keep: [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05],
  },
  axes: {
    arm: {
      label: "arm",
      values: {
        magnitude: "magnitude pruning",
        haar_1_level: "Haar, matrix, 1 level",
        haar_2_levels: "Haar, matrix, 2 levels",
        db2_1_level: "db2, matrix, 1 level",
      },
    },
    keep: { label: "kept share of every layer" },
  },
  budget: { axis: "keep", scale: "log2" },
  seeds: 5,
  models: ["cnn", "resnet"],

  baseline: (seed) => ({
    ...fcNNOnMnist,
    model: { kind: "cnn", channels: [16, 32] },
    seed,
    compression: { kind: "none" },
  }),
  trial: ({ arm, keep }, seed) => ({
    ...fcNNOnMnist,
    model: { kind: "cnn", channels: [16, 32] },
    seed,
    compression: arms[arm](keep),
  }),

  metrics: ["testAccuracy", "testLoss", "predictedClasses"],
  compare: [
    {
      name: "Haar, 1 level - magnitude pruning",
      first: { arm: "haar_1_level" },
      second: { arm: "magnitude" },
    },
    {
      name: "Haar, 2 levels - 1 level",
      first: { arm: "haar_2_levels" },
      second: { arm: "haar_1_level" },
    },
  ],
  charts: [
    lineChart({
      name: "accuracy_over_keep",
      title: "All layers thresholded in a wavelet basis: accuracy over kept share",
      y: "testAccuracy",
      zoomFrom: 95,
      markDelta: 0.005,
    }),
    differenceChart({
      name: "differences_over_keep",
      title: "All layers: what a wavelet basis of the weight matrix is worth",
      y: "testAccuracy",
      zoomWithin: 5,
      comparisons: ["Haar, 1 level - magnitude pruning", "Haar, 2 levels - 1 level"],
    }),
  ],
});
