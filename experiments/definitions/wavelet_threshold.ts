import { differenceChart, lineChart } from "../charts/chart_spec.ts";
import { defineExperiment, type Experiment } from "../define.ts";
import type { CompressionSpec } from "../trial.ts";
import { fcNNOnMnist } from "./fc_nn_on_mnist.ts";
import { waveletThresholdOfConvolutions } from "./wavelet_threshold_of_convolutions.ts";

type Wavelet = "haar" | "db2" | "bior4.4";
type Layout = "image" | "permuted" | "matrix";

/**
 * Two levels unless told otherwise: sides of 28 or 32 pixels halve evenly twice, so that with
 * periodization there are exactly as many coefficients as weights and a keep ratio means the same in
 * every arm.
 */
function wavelet(
  name: Wavelet,
  layout: Layout,
  levels = 2,
): (keep: number) => CompressionSpec {
  return (keep) => ({
    kind: "wavelet_threshold",
    wavelet: name,
    levels,
    mode: "periodization",
    keep,
    layout,
    layers: "first",
    threshold: "hard",
  });
}

const arms = {
  haar_image: wavelet("haar", "image"),
  haar_permuted: wavelet("haar", "permuted"),
  haar_matrix: wavelet("haar", "matrix"),
  magnitude: (keep: number): CompressionSpec => ({
    kind: "magnitude_prune",
    keep,
    layers: "first",
  }),
  haar_image_1_level: wavelet("haar", "image", 1),
  db2_image: wavelet("db2", "image"),
  bior44_image: wavelet("bior4.4", "image"),
};
type Arm = keyof typeof arms;

/** How few wavelet coefficients of the first layer does a network live on? */
export const waveletThreshold: Experiment = defineExperiment({
  name: "wavelet_threshold",
  question:
    "How few wavelet coefficients of its first layer does a network live on, and is it the " +
    "image structure of the weights that makes this possible?",
  hypotheses: [
    "Weights of a hidden unit, seen as an image of the input's size, are smooth: 10 % of their Haar " +
    "coefficients keep the accuracy within 0.5 point.",
    "With the pixels shuffled by a fixed permutation the same transform loses clearly more: the gain " +
    "is due to the neighborhood of pixels.",
    "At equal keep ratios the image layout beats magnitude pruning, and the raw matrix does not.",
  ],
  method: [
    "The first layer's weights go through a 2-D wavelet transform; the largest share of the " +
    "coefficients by magnitude is kept unchanged, the others are set to zero (hard threshold), and " +
    "the inverse transform gives the weights that are evaluated, without retraining.",
    "As images, the weights of each hidden unit have the size of the input; channels stand below " +
    "each other.",
    "The permuted control shuffles the pixels of every image by one fixed permutation before the " +
    "transform and puts them back after it: the same coefficients, without neighborhood.",
    "Magnitude pruning keeps the same share of the weights themselves.",
  ],

  grid: {
    arm: Object.keys(arms) as Arm[],
    keep: [1, 0.5, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01],
  },
  axes: {
    arm: {
      label: "arm",
      values: {
        haar_image: "Haar, images",
        haar_permuted: "Haar, permuted pixels (control)",
        haar_matrix: "Haar, raw matrix",
        magnitude: "magnitude pruning",
        haar_image_1_level: "Haar, images, 1 level",
        db2_image: "db2, images",
        bior44_image: "bior4.4, images",
      },
    },
    keep: { label: "kept share of the first layer" },
  },
  budget: { axis: "keep", scale: "log2" },
  seeds: 5,
  models: ["fc_nn"],
  forOtherModels: waveletThresholdOfConvolutions,

  baseline: (seed) => ({ ...fcNNOnMnist, seed, compression: { kind: "none" } }),
  trial: ({ arm, keep }, seed) => ({ ...fcNNOnMnist, seed, compression: arms[arm](keep) }),

  metrics: ["testAccuracy", "testLoss", "predictedClasses"],
  compare: [
    {
      name: "Haar images - permuted control",
      first: { arm: "haar_image" },
      second: { arm: "haar_permuted" },
    },
    {
      name: "Haar images - magnitude pruning",
      first: { arm: "haar_image" },
      second: { arm: "magnitude" },
    },
    {
      name: "Haar images - raw matrix",
      first: { arm: "haar_image" },
      second: { arm: "haar_matrix" },
    },
    {
      name: "2 levels - 1 level, Haar images",
      first: { arm: "haar_image" },
      second: { arm: "haar_image_1_level" },
    },
  ],
  charts: [
    lineChart({
      name: "accuracy_over_keep",
      title: "First layer thresholded in a wavelet basis: accuracy over kept share",
      y: "testAccuracy",
      where: { arm: ["haar_image", "haar_permuted", "haar_matrix", "magnitude"] },
      zoomFrom: 95,
      markDelta: 0.005,
    }),
    lineChart({
      name: "accuracy_by_wavelet",
      title: "First layer as images: which wavelet, how many levels",
      y: "testAccuracy",
      where: { arm: ["haar_image", "haar_image_1_level", "db2_image", "bior44_image"] },
      zoomFrom: 95,
      markDelta: 0.005,
    }),
    differenceChart({
      name: "differences_over_keep",
      title: "First layer: what the image structure of the weights is worth",
      y: "testAccuracy",
      zoomWithin: 2,
      comparisons: [
        "Haar images - permuted control",
        "Haar images - magnitude pruning",
        "Haar images - raw matrix",
      ],
    }),
  ],
});
