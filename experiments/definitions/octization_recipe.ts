import type { Bits, LevelQuantization } from "../../compression/mod.ts";
import { MODELS, type ModelSpec } from "../../models/mod.ts";
import { adam, type Optimizer, sgd, type WeightQuantization } from "../../training/mod.ts";
import type { AxisDisplay } from "../define.ts";
import type { Recipe, Trial } from "../trial.ts";

/** Where the numbers live that an optimizer steps over, and when they are rounded. */
export type Master = "float32" | "shadow" | "in_place_step" | "in_place_epoch" | "post_training";

/** Optimizers by the name on an axis. */
export type OptimizerName = "adam_0.001" | "sgd_0.01" | "sgd_0.1";

/** One arm: how weights are rounded, when, and what they are trained with. */
export interface OctizationArm {
  /** How a weight becomes a level. */
  readonly rounding: LevelQuantization["rounding"];
  /** Where the weights live, and when they are rounded. */
  readonly master: Master;
  /** What steps over them, at which rate. */
  readonly optimizer: OptimizerName;
  /** Whether the largest level is 1 or the largest weight. */
  readonly scale: LevelQuantization["scale"];
  /** Of a magnitude; the sign is not counted. */
  readonly bits: Bits;
}

/** Optimizers of the arms, at constant rates. */
export const OCTIZATION_OPTIMIZERS: Readonly<Record<OptimizerName, Optimizer>> = {
  "adam_0.001": adam({ learningRate: 1e-3 }),
  "sgd_0.01": sgd({ learningRate: 0.01 }),
  "sgd_0.1": sgd({ learningRate: 0.1 }),
};

/** Axes of the octization experiments. */
export type OctizationAxis = keyof OctizationArm;

/** How they are shown. */
export const OCTIZATION_AXES: Readonly<Record<OctizationAxis, AxisDisplay>> = {
  rounding: {
    label: "rounding",
    values: {
      nearestEven: "nearest",
      towardZero: "toward zero",
      stochastic: "stochastic",
      deadZone: "dead zone",
    },
  },
  master: {
    label: "weights",
    values: {
      float32: "float32",
      shadow: "shadow weights",
      in_place_step: "in place every step",
      in_place_epoch: "in place every epoch",
      post_training: "after training",
    },
  },
  optimizer: {
    label: "optimizer",
    values: { "adam_0.001": "Adam 0.001", "sgd_0.01": "SGD 0.01", "sgd_0.1": "SGD 0.1" },
  },
  scale: { label: "scale", values: { fixed: "1 / (2^b - 1)", absmax: "absmax / (2^b - 1)" } },
  bits: { label: "bits of a magnitude", unit: "bit" },
};

/**
 * Says how the weights of an arm are rounded while they are trained.
 *
 * @param arm Its place on the axes.
 * @returns Frozen data; `undefined` where they are float32 until the end.
 */
export function quantizationOf(arm: OctizationArm): WeightQuantization | undefined {
  const { bits, rounding, scale } = arm;
  switch (arm.master) {
    case "shadow":
      return { bits, rounding, scale, master: "shadow" };
    case "in_place_step":
      return { bits, rounding, scale, master: "inPlace", every: "step" };
    case "in_place_epoch":
      return { bits, rounding, scale, master: "inPlace", every: "epoch" };
    default:
      return undefined;
  }
}

/** Which network learns from which images, and for how long. */
export interface OctizationBench {
  readonly model: ModelSpec;
  readonly dataset: string;
  readonly epochs: number;
}

/** FC_NN on MNIST. */
export const FC_NN_BENCH: Omit<OctizationBench, "epochs"> = {
  model: MODELS.fc_nn,
  dataset: "mnist",
};

/** The network of the published CIFAR-10 rows. */
export const CNN_BENCH: Omit<OctizationBench, "epochs"> = {
  model: MODELS.cnn_282k,
  dataset: "cifar10",
};

/**
 * The trial of one arm. Initial weights and batch order depend on the seed alone.
 *
 * @param arm Its place on the axes.
 * @param bench Network, images and length of training.
 * @param seed Of initial weights and batch order.
 * @returns A training at a constant rate in batches of 128, rounded as the arm says.
 */
export function octizationTrial(arm: OctizationArm, bench: OctizationBench, seed: number): Trial {
  const { bits, rounding, scale } = arm;
  const weightQuantization = quantizationOf(arm);
  const recipe: Recipe = {
    data: { dataset: bench.dataset, train: "all" },
    model: bench.model,
    training: {
      optimizer: OCTIZATION_OPTIMIZERS[arm.optimizer],
      schedule: { kind: "constant" },
      epochs: bench.epochs,
      batchSize: 128,
      ...weightQuantization && { weightQuantization },
    },
  };
  const compression = arm.master === "post_training"
    ? { kind: "levels", bits, rounding, scale } as const
    : { kind: "none" } as const;
  return { ...recipe, seed, compression };
}

/**
 * The float32 network that arms are compared with where no other is named.
 *
 * @param bench Network, images and length of training.
 * @param seed Of initial weights and batch order.
 * @returns A training with Adam, nothing rounded.
 */
export function octizationBaseline(bench: OctizationBench, seed: number): Trial {
  const arm = {
    rounding: "nearestEven",
    scale: "fixed",
    bits: 8,
    optimizer: "adam_0.001",
  } as const;
  return octizationTrial({ ...arm, master: "float32" }, bench, seed);
}
