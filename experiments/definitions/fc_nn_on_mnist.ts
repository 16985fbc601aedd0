import type { Recipe } from "../trial.ts";

/**
 * The network of the laboratory: 784-64-32-10 on all 60,000 images, about 97.9 % on the test set.
 *
 * Adam's epsilon is 1e-3, not 1e-8: with 1e-8 the weights of pixels at the border, which hardly any
 * image lights, take steps as large as all others. They grow into noise that accuracy does not see but
 * that any compression has to pay for: on the 10,000 validation images, 10 % of the first layer's Haar
 * coefficients then give 96.6 % instead of 97.4 %, while float32 stays at 97.7 %.
 */
export const fcNNOnMnist: Recipe = {
  data: { dataset: "mnist", train: "all" },
  model: { kind: "fc_nn", hidden: [64, 32] },
  training: {
    optimizer: { kind: "adam", learningRate: 6e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-3 },
    schedule: { kind: "one_cycle", warmup: 0.3 },
    epochs: 10,
    batchSize: 128,
  },
};
