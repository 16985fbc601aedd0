import { createHash } from "node:crypto";
import type { AffineQuantization, LevelQuantization } from "../compression/mod.ts";
import type { ModelSpec } from "../models/mod.ts";
import type { TrainingPlan } from "../training/mod.ts";
import { canonicalJson } from "./canonical_json.ts";
import type {
  PostTrainingCompression,
  QuantizationAwareCompression,
} from "./quantization_trial.ts";

/** Which images a network learns from; the test set is the data set's own 10,000. */
export interface DataSpec {
  /** Name of a data set, such as `mnist`. */
  readonly dataset: string;
  /** `all` 60,000 training images, or `split`: 50,000 of them, judged on the other 10,000. */
  readonly train: "all" | "split";
  /** How many of those to learn from, the first ones; all if left out. */
  readonly first?: number;
}

/** The float32 network itself: the baseline of every comparison. */
export interface NoCompression {
  /** Tells the compressions apart. */
  readonly kind: "none";
}

/** Asymmetric affine post-training quantization; biases stay at 32 bits. */
export interface AffineCompression extends AffineQuantization {
  /** Tells it from other compressions. */
  readonly kind: "affine";
  /** True if activations are quantized too, with ranges calibrated on training images. */
  readonly activations: boolean;
}

/** Weights on a grid around 0 after training, such as octization; biases stay at 32 bits. */
export interface LevelsCompression extends LevelQuantization {
  /** Tells it from other compressions. */
  readonly kind: "levels";
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
  | LevelsCompression
  | PostTrainingCompression
  | QuantizationAwareCompression
  | WaveletThresholdCompression
  | MagnitudePruneCompression;

/** A float32 training run, everything but its seed. */
export interface Recipe {
  /** What it learns from. */
  readonly data: DataSpec;
  /** What is trained. */
  readonly model: ModelSpec;
  /** How the float32 network is trained; not carried out where it is pretrained. */
  readonly training: TrainingPlan;
  /** SHA-256 of the checkpoint that is the network, 64 hexadecimal digits; it is trained if left out. */
  readonly pretrained?: string;
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
  /** How many images it is judged on, the first of the set; all if left out. */
  readonly images?: number;
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
export function networkId({ data, model, training, pretrained, seed }: Trial): string {
  const network = { data, model, training, pretrained, seed };
  return createHash("sha256").update(canonicalJson(network)).digest("hex");
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
