import { type Bits, reconstructionPlan, type WeightGridOptions } from "../../compression/mod.ts";
import { differenceChart, lineChart } from "../charts/chart_spec.ts";
import { defineExperiment, type Experiment } from "../define.ts";
import type { PostTrainingMethod } from "../quantization_trial.ts";
import { fcNNOnMnist } from "./fc_nn_on_mnist.ts";

/** Calibration images of every method that looks at any; labels are not looked at. */
const IMAGES = 4096;

/** Methods with their granularities: each is a ready-made way to quantize. */
type Method =
  | "min_max_tensor"
  | "min_max_channel"
  | "mse_channel"
  | "hqq_channel"
  | "gptq_channel"
  | "second_order_codebook"
  | "reconstruction_channel"
  | "reconstruction_codebook";

const METHODS: readonly Method[] = [
  "min_max_tensor",
  "min_max_channel",
  "mse_channel",
  "hqq_channel",
  "gptq_channel",
  "second_order_codebook",
  "reconstruction_channel",
  "reconstruction_codebook",
];

const PLAN = {
  ...reconstructionPlan({ steps: 2000 }),
  batchSize: 128,
};

/** Equal steps; what spans least squared error, or everything. */
function affine(
  bits: Bits,
  granularity: "tensor" | "channel",
  observer: "minMax" | "meanSquaredError",
): WeightGridOptions {
  return { grid: { kind: "affine", bits }, granularity, observer: { kind: observer } };
}

const codebook = (bits: Bits): WeightGridOptions => ({
  grid: { kind: "lloydMax", bits },
  granularity: "channel",
});

function methodOf(method: Method, bits: Bits): PostTrainingMethod {
  switch (method) {
    case "min_max_tensor":
      return { method: "nearest", weights: affine(bits, "tensor", "minMax") };
    case "min_max_channel":
      return { method: "nearest", weights: affine(bits, "channel", "minMax") };
    case "mse_channel":
      return { method: "nearest", weights: affine(bits, "channel", "meanSquaredError") };
    case "hqq_channel":
      return { method: "hqq", bits, granularity: "channel" };
    case "gptq_channel":
      return {
        method: "gptq",
        weights: affine(bits, "channel", "meanSquaredError"),
        images: IMAGES,
      };
    case "second_order_codebook":
      return { method: "second_order", weights: codebook(bits), sweeps: 10, images: IMAGES };
    case "reconstruction_channel":
      return {
        method: "reconstruction",
        weights: affine(bits, "channel", "meanSquaredError"),
        plan: PLAN,
        images: IMAGES,
      };
    case "reconstruction_codebook":
      return {
        method: "reconstruction",
        weights: codebook(bits),
        plan: PLAN,
        images: IMAGES,
      };
  }
}

/** How far does each post-training method get, with how many bits? */
export const ptqMethods: Experiment = defineExperiment({
  name: "ptq_methods",
  question: "How few bits are enough after training, without a label, and what does each " +
    "post-training method add?",
  hypotheses: [
    "The published cliff between 4 and 3 bits is that of min-max ranges per tensor, not of the network.",
    "Weights alone keep 97 % at 2 bits when codebooks and codes follow the Hessian of each layer.",
    "With activations, learning roundings and steps together gives most, and most at 2 bits.",
  ],
  method: [
    "Weights of every layer get so many bits; biases stay at 32. Asymmetric equal steps, or codebooks " +
    "of the best levels (Lloyd-Max), per tensor or per output channel. The scales, zero points and " +
    "levels themselves are not counted in the bits.",
    "With activations, the input of every layer, images included, is quantized per tensor to the same " +
    "number of bits, on the range of least squared error over 256 training images.",
    `GPTQ, second order and reconstruction calibrate on the first ${IMAGES.toLocaleString("en")} ` +
    "training images, without their labels. Second order: centered Hessian, matched targets, weighted " +
    "codebooks, GPTQ, ten sweeps of coordinate descent, corrected biases. Reconstruction: roundings, " +
    `scales and activation steps learned together for ${
      PLAN.steps.toLocaleString("en")
    } steps of ` +
    `${PLAN.batchSize} images against the float32 logits.`,
  ],
  grid: {
    method: METHODS,
    quantized: ["weights", "weights_and_activations"],
    bits: [1, 2, 3, 4, 8],
  },
  axes: {
    method: {
      label: "method",
      values: {
        min_max_tensor: "min-max, tensor",
        min_max_channel: "min-max, channel",
        mse_channel: "least squares, channel",
        hqq_channel: "HQQ, channel",
        gptq_channel: "GPTQ, channel",
        second_order_codebook: "second order, codebooks",
        reconstruction_channel: "reconstruction, channel",
        reconstruction_codebook: "reconstruction, codebooks",
      },
    },
    quantized: {
      label: "quantized",
      values: { weights: "weights", weights_and_activations: "weights + activations" },
    },
    bits: { label: "bits per value", unit: "bit" },
  },
  budget: { axis: "bits", scale: "linear" },
  seeds: 5,
  models: ["fc_nn", "cnn", "resnet"],
  baseline: (seed) => ({ ...fcNNOnMnist, seed, compression: { kind: "none" } }),
  trial: ({ method, quantized, bits }, seed) => {
    const grid = { kind: "affine", bits: bits as Bits } as const;
    return {
      ...fcNNOnMnist,
      seed,
      compression: {
        kind: "post_training",
        ...methodOf(method, bits as Bits),
        ...quantized === "weights_and_activations" && {
          activations: { grid, observer: { kind: "meanSquaredError" } },
        },
      },
    };
  },
  metrics: ["testAccuracy", "testLoss", "predictedClasses"],
  compare: [
    ...(["weights", "weights_and_activations"] as const).flatMap((quantized) =>
      METHODS.slice(1).map((method) => ({
        name: `${method} - min_max_tensor, ${quantized}`,
        first: { method, quantized },
        second: { method: "min_max_tensor" as const, quantized },
      }))
    ),
  ],
  charts: [
    ...(["weights", "weights_and_activations"] as const).map((quantized) =>
      lineChart({
        name: `accuracy_${quantized}`,
        title: quantized === "weights"
          ? "Weights quantized after training: accuracy over bits"
          : "Weights and activations quantized after training: accuracy over bits",
        y: "testAccuracy",
        where: { quantized: [quantized] },
        zoomFrom: 90,
        markDelta: 0.005,
      })
    ),
    differenceChart({
      name: "gain_over_min_max",
      title: "What three methods gain over min-max per tensor, weights + activations",
      y: "testAccuracy",
      zoomWithin: 10,
      comparisons: ["mse_channel", "gptq_channel", "reconstruction_channel"]
        .map((method) => `${method} - min_max_tensor, weights_and_activations`),
    }),
  ],
  published: {
    label: "published single run",
    source: "one seed, min-max post-training quantization of weights and activations",
    comparable: { method: "min_max_tensor", quantized: "weights_and_activations" },
    points: [9.74, 11.5, 76.74, 92.29].map((percent, i) => ({
      budget: i + 1,
      testAccuracy: percent / 100,
    })),
  },
});
