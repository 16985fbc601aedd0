import type { ActivationGrid, FixedKernel, OctizationProgramSpec } from "../../models/mod.ts";
import { adam } from "../../training/mod.ts";
import { lineChart } from "../charts/chart_spec.ts";
import { defineExperiment, type Experiment } from "../define.ts";
import type { MetricName } from "../metrics.ts";
import type { Trial } from "../trial.ts";

/** Bits of a magnitude in the published programs. */
const PUBLISHED_BITS = 8;
/** Difference of accuracy, a fraction, within which two arms are one. */
const MARGIN = 0.001;

const METRICS: readonly MetricName[] = ["testAccuracy", "testLoss", "predictedClasses"];

const SOURCE =
  "github.com/renatokuipers/Octization-vs.-Quantization, programs of commit 19cae72, figures " +
  "of its README at 67a3565: one run each, no seed set.";

/** What a program learns from, and how. */
type ProgramRecipe = Pick<Trial, "data" | "training">;

const PROGRAMS: Readonly<Record<OctizationProgramSpec["layer"]["of"], ProgramRecipe>> = {
  // Keras's constants; it holds back the last fifth of the images
  mnist: {
    data: { dataset: "mnist", train: "all", first: 48_000 },
    training: {
      optimizer: adam({ learningRate: 1e-3, epsilon: 1e-7 }),
      schedule: { kind: "constant" },
      epochs: 20,
      batchSize: 32,
    },
  },
  // PyTorch's constants
  cifar10: {
    data: { dataset: "cifar10", train: "all" },
    training: {
      optimizer: adam({ learningRate: 1e-3 }),
      schedule: { kind: "constant" },
      epochs: 20,
      batchSize: 100,
    },
  },
};

function programTrial(layer: OctizationProgramSpec["layer"], bits: number, seed: number): Trial {
  return {
    ...PROGRAMS[layer.of],
    model: { kind: "octization_program", layer, bits },
    seed,
    compression: { kind: "none" },
  };
}

/** The published MNIST comparison, both of whose arms truncate, and what rounding would have done. */
export const octizationProgramMnist: Experiment = defineExperiment({
  name: "octization_program_mnist",
  question:
    "What do the published MNIST programs of octization and quantization measure, over seeds?",
  hypotheses: [
    "Both published programs truncate, so 96.73 % and 96.93 % are one distribution over seeds.",
    "At 8 bits rounding the weights of that layer to nearest makes no difference: nothing trains them.",
  ],
  method: [
    "784-128, ReLU, a layer of 10 whose weights stay as they were drawn (uniform in [-0.05, 0.05], times " +
    "2^b - 1, made integers), 10-10; initialized as Keras does, Adam 0.001 with its epsilon of 1e-7, batches " +
    "of 32, the first 48,000 images.",
    `Published at 8 bits, 20 epochs: "quantization" 96.73 %, "octization" 96.93 %; both truncate. ${SOURCE}`,
    "Ours are those programs in this project's kernels: the same layers, data, constants and lengths, other " +
    "random numbers. Arms of a seed share initial weights and batch order.",
  ],
  grid: {
    kernel: ["towardZero", "nearestEven"] as FixedKernel[],
    bits: [4, PUBLISHED_BITS],
  },
  axes: {
    kernel: {
      label: "weights of the fixed layer",
      values: { towardZero: "truncated (both published arms)", nearestEven: "rounded to nearest" },
    },
    bits: { label: "bits of a magnitude", unit: "bit" },
  },
  budget: { axis: "bits", scale: "linear" },
  seeds: 10,
  models: ["octization_program"],
  baseline: (seed) => programTrial({ of: "mnist", kernel: "float32" }, PUBLISHED_BITS, seed),
  trial: ({ kernel, bits }, seed) => programTrial({ of: "mnist", kernel }, bits, seed),
  metrics: METRICS,
  equivalenceMargin: MARGIN,
  compare: [{
    name: "truncated - rounded to nearest",
    first: { kernel: "towardZero" },
    second: { kernel: "nearestEven" },
  }],
  charts: [
    lineChart({
      name: "accuracy_over_bits",
      title: "The published MNIST programs: accuracy over bits of the layer that is not trained",
      y: "testAccuracy",
      zoomFrom: 95,
      markDelta: 0.005,
    }),
  ],
});

/** The published CIFAR-10 comparison, whose arms differ in gradients, and rounding that has them. */
export const octizationProgramCifar10: Experiment = defineExperiment({
  name: "octization_program_cifar10",
  question:
    "What do the published CIFAR-10 programs of octization and quantization measure, over seeds, " +
    "and what would rounding with gradients have measured?",
  hypotheses: [
    "The published gap is a missing gradient: with straight-through gradients rounding is far above both.",
    "Truncating those activations instead of rounding them makes no difference at 8 bits.",
  ],
  method: [
    "conv 32, conv 64, 64 units, 10 classes; the 64 activations before the last layer pass through what " +
    "is compared. Initialized as PyTorch does, Adam 0.001, batches of 100.",
    'Published at 8 bits: "quantization" 33.32 %, "octization" 51.89 % after 20 epochs, 29.14 % and 40.40 % ' +
    `after 5. ${SOURCE}`,
    "Published quantization rounds by a function whose gradient is 0: only the last layer is trained. Published " +
    "octization cuts activations into octal digits that it never rounds; what comes out is of the order of " +
    "1e-6, on no grid.",
    "Ours are those programs in this project's kernels: the same layers, data, constants and lengths, other " +
    "random numbers. Arms of a seed share initial weights and batch order.",
  ],
  grid: {
    activations: [
      "nearestWithoutGradient",
      "octalDigits",
      "nearestEven",
      "towardZero",
    ] as ActivationGrid[],
    bits: [PUBLISHED_BITS],
  },
  axes: {
    activations: {
      label: "activations",
      values: {
        nearestWithoutGradient: "rounded, no gradient (published quantization)",
        octalDigits: "octal digits, not rounded (published octization)",
        nearestEven: "rounded, straight-through",
        towardZero: "truncated, straight-through",
      },
    },
    bits: { label: "bits of a magnitude", unit: "bit" },
  },
  budget: { axis: "bits", scale: "linear" },
  seeds: 3,
  models: ["octization_program"],
  baseline: (seed) => programTrial({ of: "cifar10", activations: "float32" }, PUBLISHED_BITS, seed),
  trial: ({ activations, bits }, seed) => programTrial({ of: "cifar10", activations }, bits, seed),
  metrics: METRICS,
  equivalenceMargin: MARGIN,
  compare: [
    {
      name: "published octization - published quantization",
      first: { activations: "octalDigits" },
      second: { activations: "nearestWithoutGradient" },
    },
    {
      name: "published octization - rounded, straight-through",
      first: { activations: "octalDigits" },
      second: { activations: "nearestEven" },
    },
    {
      name: "truncated - rounded, straight-through",
      first: { activations: "towardZero" },
      second: { activations: "nearestEven" },
    },
  ],
  charts: [],
});
