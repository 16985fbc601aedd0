import type {
  Bits,
  Granularity,
  HqqBits,
  ReconstructionPlan,
  WeightGridOptions,
} from "../compression/mod.ts";
import type {
  ActivationGridOptions,
  NetworkReconstructionPlan,
  QuantizationAwareSpec,
  TrainingPlan,
} from "../training/mod.ts";

/** Weights rounded to the nearest level of their grids. */
export interface NearestMethod {
  /** Tells the methods apart. */
  readonly method: "nearest";
  /** Grids of weights. */
  readonly weights: WeightGridOptions;
}

/** Zero points fitted without data. */
export interface HqqMethod {
  /** Tells the methods apart. */
  readonly method: "hqq";
  /** Bits of a code. */
  readonly bits: HqqBits;
  /** Weights that share a scale and a zero point. */
  readonly granularity: Granularity;
}

/** Codes chosen column by column by the Hessian of each layer. */
export interface GptqMethod {
  /** Tells the methods apart. */
  readonly method: "gptq";
  /** Grids of weights. */
  readonly weights: WeightGridOptions;
  /** Calibration images, the first ones of the training set. */
  readonly images: number;
}

/** What GPTQ is told, for the weight of every output that costs least in turn: slow, for small layers. */
export interface ObqMethod extends Omit<GptqMethod, "method"> {
  /** Tells the methods apart. */
  readonly method: "obq";
}

/** Roundings learned layer by layer by the Hessian of each. */
export interface AdaRoundMethod {
  /** Tells the methods apart. */
  readonly method: "ada_round";
  /** Grids of weights. */
  readonly weights: WeightGridOptions;
  /** Steps, rates and penalty. */
  readonly plan: ReconstructionPlan;
  /** Calibration images, the first ones of the training set. */
  readonly images: number;
}

/** Weights rounded to the nearest level, and what that moves the mean outputs of a layer by taken off its biases. */
export interface BiasCorrectionMethod extends Omit<GptqMethod, "method"> {
  /** Tells the methods apart. */
  readonly method: "bias_correction";
}

/** GPTQ with matched targets, weighted grids, coordinate descent and corrected biases. */
export interface SecondOrderMethod {
  /** Tells the methods apart. */
  readonly method: "second_order";
  /** Grids of weights. */
  readonly weights: WeightGridOptions;
  /** Sweeps of coordinate descent. */
  readonly sweeps: number;
  /** Calibration images, the first ones of the training set. */
  readonly images: number;
}

/** Roundings and scales learned until the network gives what it gave. */
export interface ReconstructionMethod {
  /** Tells the methods apart. */
  readonly method: "reconstruction";
  /** Grids of weights, whose scales learn from there. */
  readonly weights: WeightGridOptions;
  /** Steps, rates, batch and blocks. */
  readonly plan: NetworkReconstructionPlan;
  /** Calibration images, the first ones of the training set; labels are not looked at. */
  readonly images: number;
}

/** Bit-widths that a layer may get by mixed precision; no trial names them: a change needs `--fresh`. */
export const MIXED_PRECISION_WIDTHS: readonly Bits[] = [1, 2, 3, 4, 5, 6, 8];

/** Random vectors of Hutchinson's estimator for each weight; no trial names them either. */
export const TRACE_SAMPLES = 16;

/** Every layer at its own bit-width, within a budget; rounded to the nearest level, per channel. */
export interface MixedPrecisionMethod {
  /** Tells the methods apart. */
  readonly method: "mixed_precision";
  /**
   * The budget: bytes that all weights would take at so many bits each, grids included. Parts of a bit
   * are bytes to spend too.
   */
  readonly averageBits: number;
  /** What says how much a layer suffers: the loss with that layer quantized, or its Hessian's trace. */
  readonly sensitivity: "loss" | "hessian";
  /** How bits are chosen from that. */
  readonly search: "greedy" | "exact";
  /** Labeled training images on which sensitivity is measured, the first ones. */
  readonly images: number;
}

/** A post-training method and what it is told; frozen data, part of a trial. */
export type PostTrainingMethod =
  | NearestMethod
  | HqqMethod
  | BiasCorrectionMethod
  | GptqMethod
  | ObqMethod
  | AdaRoundMethod
  | SecondOrderMethod
  | ReconstructionMethod
  | MixedPrecisionMethod;

/** Channels rescaled before anything is quantized, which changes nothing that the network computes. */
export type Rescaling =
  | {
    /** Cross-layer equalization: the same ranges in the weights before and after a channel. */
    readonly kind: "equalized";
  }
  | {
    /** SmoothQuant: a part of the range of activations moved into the weights behind them. */
    readonly kind: "smoothed";
    /** Strength of the migration, 0 to 1. */
    readonly alpha: number;
  };

/** What goes into a layer on the grid of its own range, image by image. */
export interface DynamicActivations {
  /** Tells them from grids that are chosen once. */
  readonly range: "dynamic";
  /** Of an activation. */
  readonly bits: Bits;
}

/** What every post-training quantization has. */
export interface PostTraining {
  /** Tells it from other compressions. */
  readonly kind: "post_training";
  /** What is done to the float32 network first; nothing if left out. */
  readonly rescaling?: Rescaling;
}

/** Grids that are chosen once, or anew for every image. */
export interface AnyActivations {
  /** Grids of every layer's input, images included; float32 if left out. */
  readonly activations?: ActivationGridOptions | DynamicActivations;
}

/** Grids whose steps a reconstruction learns: dynamic ones have none to learn. */
export interface LearnableActivations {
  /** Grids of every layer's input, images included; float32 if left out. */
  readonly activations?: ActivationGridOptions;
}

/** Post-training quantization by one of the methods; biases stay at 32 bits. */
export type PostTrainingCompression =
  | (PostTraining & AnyActivations & Exclude<PostTrainingMethod, ReconstructionMethod>)
  | (PostTraining & LearnableActivations & ReconstructionMethod);

/** The trained network, trained on under quantization: with itself as it was for a teacher, if asked. */
export interface QuantizationAwareCompression {
  /** Tells it from other compressions. */
  readonly kind: "quantization_aware";
  /** What is quantized; nothing for the control, which is only trained on. */
  readonly spec: QuantizationAwareSpec;
  /** How it is trained on. */
  readonly training: TrainingPlan;
}
