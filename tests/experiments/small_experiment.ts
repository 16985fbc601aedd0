import { differenceChart, lineChart } from "../../experiments/charts/chart_spec.ts";
import { defineExperiment, type Experiment } from "../../experiments/define.ts";
import { fcNNOnMnist } from "../../experiments/definitions/fc_nn_on_mnist.ts";

/** Two series of five budgets with three seeds, for tests. */
export const smallExperiment: Experiment = defineExperiment({
  name: "small",
  question: "Does it work?",
  hypotheses: ["It does."],
  method: ["Numbers are made up."],
  grid: { granularity: ["tensor", "channel"], bits: [2, 4, 6, 8, 16] },
  axes: {
    granularity: { label: "ranges", values: { tensor: "per tensor", channel: "per channel" } },
    bits: { label: "bits per value", unit: "bit" },
  },
  budget: { axis: "bits", scale: "linear" },
  seeds: 3,
  models: ["fc_nn"],
  baseline: (seed) => ({ ...fcNNOnMnist, seed, compression: { kind: "none" } }),
  trial: ({ granularity, bits }, seed) => ({
    ...fcNNOnMnist,
    seed,
    compression: { kind: "affine", bits, granularity, activations: false },
  }),
  metrics: ["testAccuracy", "testLoss", "predictedClasses", "bytes"],
  compare: [{
    name: "channel - tensor",
    first: { granularity: "channel" },
    second: { granularity: "tensor" },
  }],
  charts: [
    lineChart({
      name: "accuracy",
      title: "Accuracy over bits",
      y: "testAccuracy",
      zoomFrom: 95,
      markDelta: 0.005,
    }),
    differenceChart({
      name: "differences",
      title: "Differences",
      y: "testAccuracy",
      zoomWithin: 1,
      comparisons: ["channel - tensor"],
    }),
  ],
  published: {
    label: "published",
    source: "made up, for a test",
    comparable: { granularity: "tensor" },
    points: [{ budget: 2, testAccuracy: 0.5 }, { budget: 8, testAccuracy: 0.97 }],
  },
});
