import { createHash } from "node:crypto";
import { canonicalJson } from "./canonical_json.ts";

/** Which images a network learns from; the test set is the data set's own 10,000. */
export interface DataSpec {
  /** Name of a data set, such as `mnist`. */
  readonly dataset: string;
  /** `all` 60,000 training images, or `split`: 50,000 of them, judged on the other 10,000. */
  readonly train: "all" | "split";
}

/** A fully connected network, ReLU between its layers. */
export interface FcNNSpec {
  /** Tells the architectures apart. */
  readonly kind: "fc_nn";
  /** Units of each hidden layer, first to last. */
  readonly hidden: readonly number[];
}

/** A small convolutional network: 3x3 convolution, ReLU and 2x2 max-pool, repeated, then linear. */
export interface CnnSpec {
  /** Tells the architectures apart. */
  readonly kind: "cnn";
  /** Output channels of each convolution, first to last. */
  readonly channels: readonly number[];
}

/** The architecture of a network. */
export type ModelSpec = FcNNSpec | CnnSpec;

/** Adam and its constants (Kingma and Ba 2015, arXiv:1412.6980). */
export interface AdamSpec {
  /** Tells the optimizers apart. */
  readonly kind: "adam";
  /** Step size at the peak of the schedule. */
  readonly learningRate: number;
  /** Decay of the mean of gradients. */
  readonly beta1: number;
  /** Decay of the mean of their squares. */
  readonly beta2: number;
  /** Added to the root of the mean square, against division by zero. */
  readonly epsilon: number;
}

/** Stochastic gradient descent with heavy-ball momentum. */
export interface SgdSpec {
  /** Tells the optimizers apart. */
  readonly kind: "sgd";
  /** Step size at the peak of the schedule. */
  readonly learningRate: number;
  /** Share of the last step that is taken again, in [0, 1). */
  readonly momentum: number;
}

/** What turns gradients into steps. */
export type OptimizerSpec = AdamSpec | SgdSpec;

/** How the learning rate changes over the whole training. */
export type ScheduleSpec =
  | { readonly kind: "constant" }
  /** From the optimizer's rate down a half cosine to `finalFraction` of it. */
  | { readonly kind: "cosine"; readonly finalFraction: number }
  /** Up to the optimizer's rate during the `warmup` share of the steps, then down to almost zero. */
  | { readonly kind: "one_cycle"; readonly warmup: number };

/** How the float32 network is trained. */
export interface TrainingSpec {
  /** What turns gradients into steps. */
  readonly optimizer: OptimizerSpec;
  /** How the learning rate changes. */
  readonly schedule: ScheduleSpec;
  /** Passes over the training images. */
  readonly epochs: number;
  /** Images in a step. */
  readonly batchSize: number;
}

/** The float32 network itself: the baseline of every comparison. */
export interface NoCompression {
  /** Tells the compressions apart. */
  readonly kind: "none";
}

/** Asymmetric affine post-training quantization; biases stay at 32 bits. */
export interface AffineCompression {
  /** Tells the compressions apart. */
  readonly kind: "affine";
  /** Bits of a weight (and of an activation): 1 to 16. */
  readonly bits: number;
  /** One range for a whole weight matrix, or one for each output channel. */
  readonly granularity: "tensor" | "channel";
  /** True if activations are quantized too, with ranges calibrated on training images. */
  readonly activations: boolean;
}

/** A 2-D wavelet transform of weights whose small coefficients are dropped, and its inverse. */
export interface WaveletThresholdCompression {
  /** Tells the compressions apart. */
  readonly kind: "wavelet_threshold";
  /** PyWavelets' name of the filters, such as `haar`, `db2` or `bior4.4`. */
  readonly wavelet: string;
  /** How often the approximation is transformed again. */
  readonly levels: number;
  /** How a row goes on beyond its ends. */
  readonly mode: "periodization" | "symmetric";
  /** Share of the coefficients that survive, in (0, 1]. */
  readonly keep: number;
  /**
   * What is transformed: the weight matrix as stored, every hidden unit's weights as an image, or
   * that image with its pixels shuffled by one fixed permutation (the control).
   */
  readonly layout: "matrix" | "image" | "permuted";
  /** Which layers are transformed. */
  readonly layers: "first" | "all";
  /** Hard keeps what survives as it is; soft moves it toward zero by the threshold. */
  readonly threshold: "hard" | "soft";
}

/** The smallest weights set to zero, by magnitude. */
export interface MagnitudePruneCompression {
  /** Tells the compressions apart. */
  readonly kind: "magnitude_prune";
  /** Share of the weights that survive, in (0, 1]. */
  readonly keep: number;
  /** Which layers are pruned. */
  readonly layers: "first" | "all";
}

/** What is done to a trained network before it is measured. */
export type CompressionSpec =
  | NoCompression
  | AffineCompression
  | WaveletThresholdCompression
  | MagnitudePruneCompression;

/** A float32 training run, everything but its seed. */
export interface Recipe {
  /** What it learns from. */
  readonly data: DataSpec;
  /** What is trained. */
  readonly model: ModelSpec;
  /** How it is trained. */
  readonly training: TrainingSpec;
}

/**
 * One measurement as frozen data: train a network from a seed, compress it, measure it.
 *
 * Trials with the same recipe and seed share one trained network: the same initial weights and the
 * same batch order, so that differences between their compressions are paired.
 */
export interface Trial extends Recipe {
  /** Of initial weights and batch order: a whole number from 0. */
  readonly seed: number;
  /** What is done to the trained network. */
  readonly compression: CompressionSpec;
}

/**
 * Names a trial by what it is, so that a store can tell what has been done already.
 *
 * @param trial Any trial.
 * @returns SHA-256 of its canonical JSON, 64 hexadecimal digits.
 */
export function trialId(trial: Trial): string {
  return createHash("sha256").update(canonicalJson(trial)).digest("hex");
}

/**
 * Names the trained network behind a trial: equal for all trials that compress the same one.
 *
 * @param trial Any trial.
 * @returns SHA-256 of the canonical JSON of recipe and seed, 64 hexadecimal digits.
 */
export function networkId({ data, model, training, seed }: Trial): string {
  return createHash("sha256").update(canonicalJson({ data, model, training, seed })).digest("hex");
}

/**
 * Shortens an id for a person.
 *
 * @param id An id from {@link trialId} or {@link networkId}.
 * @returns Its first 12 digits.
 */
export function shortId(id: string): string {
  return id.slice(0, 12);
}
