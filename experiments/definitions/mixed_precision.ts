import type { Bits } from "../../compression/mod.ts";
import { differenceChart, lineChart } from "../charts/chart_spec.ts";
import { defineExperiment, type Experiment } from "../define.ts";
import {
  MIXED_PRECISION_WIDTHS,
  type PostTrainingMethod,
  TRACE_SAMPLES,
} from "../quantization_trial.ts";
import { fcNNOnMnist } from "./fc_nn_on_mnist.ts";

type Allocation = "uniform" | `${"loss" | "hessian"}_${"greedy" | "exact"}`;
const ALLOCATIONS: readonly Allocation[] = [
  "uniform",
  "loss_greedy",
  "loss_exact",
  "hessian_greedy",
  "hessian_exact",
];

function methodOf(allocation: Allocation, averageBits: number, images: number): PostTrainingMethod {
  if (allocation === "uniform") {
    return {
      method: "nearest",
      weights: {
        grid: { kind: "affine", bits: Math.floor(averageBits) as Bits },
        granularity: "channel",
        observer: { kind: "meanSquaredError" },
      },
    };
  }
  return {
    method: "mixed_precision",
    averageBits,
    sensitivity: allocation.startsWith("loss") ? "loss" : "hessian",
    search: allocation.endsWith("greedy") ? "greedy" : "exact",
    images,
  };
}

/** Budgets that uniform bits use up. */
const WHOLE_BITS = [1, 2, 3, 4];

/** What networks of one kind are asked. */
interface Extent {
  readonly models: Experiment["models"];
  readonly forOtherModels?: Experiment;
  /** Labeled training images on which sensitivities are measured. */
  readonly images: number;
  readonly hypotheses: readonly string[];
}

function defineMixedPrecision({ models, forOtherModels, images, hypotheses }: Extent): Experiment {
  return defineExperiment({
    name: "mixed_precision",
    question: "What does it gain to give every layer its own bit-width, within the same bytes?",
    hypotheses,
    method: [
      "Weights are rounded to the nearest level of equal steps, one range of least squared error an output " +
      "channel; biases and activations stay at 32 bits.",
      "The budget is in bytes: what all weights would take at the given bits each, packed, with a scale of " +
      "32 bits and a zero point as wide as a code for each channel. Uniform takes the whole bits that fit; " +
      "between whole bits it leaves the rest unused. The bytes of a trial are those that it really takes, " +
      "counted likewise.",
      `Sensitivity of a layer at ${MIXED_PRECISION_WIDTHS.join(", ")} bits: the loss on ${
        images.toLocaleString("en")
      } labeled ` +
      `training images with that layer quantized alone; or the trace of its Hessian (Hutchinson, ${TRACE_SAMPLES} ` +
      "vectors) times the squared error of its weights (HAWQ-V2).",
    ],
    grid: { allocation: ALLOCATIONS, bits: [1, 1.5, 2, 2.5, 3, 3.5, 4] },
    axes: {
      allocation: {
        label: "bits by layer",
        values: {
          uniform: "uniform",
          loss_greedy: "measured loss, greedy",
          loss_exact: "measured loss, exact",
          hessian_greedy: "Hessian trace, greedy",
          hessian_exact: "Hessian trace, exact",
        },
      },
      bits: { label: "budget: average bits per weight", unit: "bit" },
    },
    budget: { axis: "bits", scale: "linear" },
    seeds: 5,
    models,
    ...forOtherModels && { forOtherModels },
    baseline: (seed) => ({ ...fcNNOnMnist, seed, compression: { kind: "none" } }),
    trial: ({ allocation, bits }, seed) => ({
      ...fcNNOnMnist,
      seed,
      compression: { kind: "post_training", ...methodOf(allocation, bits, images) },
    }),
    metrics: ["testAccuracy", "testLoss", "predictedClasses", "bytes"],
    compare: [
      ...ALLOCATIONS.slice(1).map((allocation) => ({
        name: `${allocation} - uniform`,
        first: { allocation },
        second: { allocation: "uniform" as const },
        // elsewhere uniform leaves a part of the budget unused
        where: { bits: WHOLE_BITS },
      })),
      {
        name: "exact - greedy, measured loss",
        first: { allocation: "loss_exact" },
        second: { allocation: "loss_greedy" },
      },
      {
        name: "Hessian trace - measured loss, exact",
        first: { allocation: "hessian_exact" },
        second: { allocation: "loss_exact" },
      },
    ],
    charts: [
      lineChart({
        name: "accuracy_over_bits",
        title: "Every layer at its own bit-width: accuracy over the budget",
        y: "testAccuracy",
        zoomFrom: 90,
        markDelta: 0.005,
      }),
      lineChart({
        name: "accuracy_over_bytes",
        title:
          "Every layer at its own bit-width: accuracy over bytes spent, and their Pareto front",
        y: "testAccuracy",
        x: "bytes",
        marksFront: true,
        zoomFrom: 90,
        markDelta: 0.005,
      }),
      differenceChart({
        name: "differences_over_bits",
        title: "What mixed precision gains over the same bits everywhere, within the same bytes",
        y: "testAccuracy",
        zoomWithin: 10,
        comparisons: ALLOCATIONS.slice(1).map((allocation) => `${allocation} - uniform`),
      }),
    ],
  });
}

/** Is a bit better spent in one layer than in another? */
export const mixedPrecision: Experiment = defineMixedPrecision({
  models: ["fc_nn", "cnn"],
  images: 2048,
  hypotheses: [
    "Within the bytes of 2 bits a weight, mixed precision gains more than 1 point over 2 bits everywhere.",
    "The exact search is no better than the greedy one for a network of three layers.",
    "Traces of the Hessian choose as well as losses that were measured.",
  ],
  // 640 networks are differentiated for the traces of ResNet-20
  forOtherModels: defineMixedPrecision({
    models: ["resnet"],
    images: 256,
    hypotheses: [
      "With twenty layers mixed precision gains at 2 and 3 bits a weight what three layers could not.",
      "Traces of the Hessian choose as well as losses that were measured.",
    ],
  }),
});
