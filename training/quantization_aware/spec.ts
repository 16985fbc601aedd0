import type { Bits, Granularity } from "../../compression/mod.ts";

/**
 * Weights whose step is learned (LSQ): 1 bit is -s and s, ternary -s, 0 and s, more are signed integers
 * times s.
 *
 * @see Esser et al. 2020, arXiv:1902.08153
 */
export interface LearnedStepWeights {
  /** Tells it from other estimators. */
  readonly kind: "learnedStep";
  /** Bits of a code, or three levels. */
  readonly bits: Bits | "ternary";
  /** Which weights share a step. */
  readonly granularity: Granularity;
}

/**
 * Weights rounded to the range that they have at each step, straight-through, the zero point chosen.
 *
 * @see Jacob et al. 2018, arXiv:1712.05877
 */
export interface AsymmetricStraightThroughWeights {
  /** Tells it from other estimators. */
  readonly kind: "straightThrough";
  /** Bits of a code. */
  readonly bits: Bits;
  /** Which weights share a range. */
  readonly granularity: Granularity;
  /** The range goes from the smallest to the largest weight. */
  readonly symmetric?: false;
}

/**
 * Weights rounded to a range around 0 that follows the largest magnitude, straight-through.
 *
 * @see Jacob et al. 2018, arXiv:1712.05877
 */
export interface SymmetricStraightThroughWeights {
  /** Tells it from other estimators. */
  readonly kind: "straightThrough";
  /** Bits of a code; the zero point of one bit would be 0.5. */
  readonly bits: Exclude<Bits, 1>;
  /** Which weights share a range. */
  readonly granularity: Granularity;
  /** 0 is in the middle. */
  readonly symmetric: true;
}

/** Weights rounded to the range that they have at each step, straight-through. */
export type StraightThroughWeights =
  | AsymmetricStraightThroughWeights
  | SymmetricStraightThroughWeights;

/**
 * Weights squashed by tanh and rounded to equally spaced levels.
 *
 * @see Zhou et al. 2016, arXiv:1606.06160
 */
export interface DorefaWeights {
  /** Tells it from other estimators. */
  readonly kind: "dorefa";
  /** Bits of a code. */
  readonly bits: Bits;
  /** Which weights share a largest level. */
  readonly granularity: Granularity;
}

/**
 * Two or three levels with a mean magnitude as scale, straight-through.
 *
 * @see Rastegari et al. 2016, arXiv:1603.05279; Li et al. 2016, arXiv:1605.04711
 */
export interface MagnitudeWeights {
  /** Tells it from other estimators. */
  readonly kind: "magnitude";
  /** How many levels. */
  readonly levels: "binary" | "ternary";
  /** Which weights share a scale. */
  readonly granularity: Granularity;
}

/** How weights are quantized while they learn; frozen data, part of a trial. */
export type WeightEstimator =
  | LearnedStepWeights
  | StraightThroughWeights
  | DorefaWeights
  | MagnitudeWeights;

/**
 * Inputs of a layer whose step is learned, per tensor (LSQ, LSQ+): unsigned after a ReLU, else signed.
 *
 * @see Esser et al. 2020, arXiv:1902.08153; Bhalgat et al. 2020, arXiv:2004.09576
 */
export interface LearnedStepIntegerInputs {
  /** Tells it from other estimators. */
  readonly kind: "learnedStep";
  /** Bits of a code; one is 0 and s. */
  readonly bits: Bits;
  /** Whether what level 0 stands for is learned too (LSQ+); no if left out. */
  readonly offset?: boolean;
  /** Integers times the step. */
  readonly signs?: false;
}

/**
 * Inputs of a layer that are -s and s, with a step that is learned, per tensor.
 *
 * @see Esser et al. 2020, arXiv:1902.08153
 */
export interface LearnedStepSignInputs {
  /** Tells it from other estimators. */
  readonly kind: "learnedStep";
  /** Signs are one bit. */
  readonly bits: 1;
  /** Whether what lies between them is learned too; no if left out. */
  readonly offset?: boolean;
  /** Signs times the step, where there is no ReLU before. */
  readonly signs: true;
}

/** Inputs of a layer whose step is learned, per tensor. */
export type LearnedStepInputs = LearnedStepIntegerInputs | LearnedStepSignInputs;

/**
 * Inputs of a layer clipped at a learned value (PACT), per tensor.
 *
 * @see Choi et al. 2018, arXiv:1805.06085
 */
export interface LearnedClipInputs {
  /** Tells it from other estimators. */
  readonly kind: "learnedClip";
  /** Bits of a code. */
  readonly bits: Bits;
}

/**
 * Inputs of a layer rounded to a moving average of their range, straight-through, per tensor; the
 * average is kept and is the range that inference uses.
 *
 * @see Jacob et al. 2018, arXiv:1712.05877
 */
export interface StraightThroughInputs {
  /** Tells it from other estimators. */
  readonly kind: "straightThrough";
  /** Bits of a code. */
  readonly bits: Bits;
  /** Share of a batch in the average; 0.01 if left out. */
  readonly momentum?: number;
  /**
   * Steps at the beginning of the training in which the range is only found, as the mean of those of all
   * batches so far until one weighs `momentum`, and inputs have 16 bits, all but float32; none if left out.
   */
  readonly warmUp?: number;
}

/** How the inputs of layers are quantized while a network learns; frozen data, part of a trial. */
export type InputEstimator = LearnedStepInputs | LearnedClipInputs | StraightThroughInputs;

/** What is quantized in a network that is trained to be; frozen data, part of a trial. */
export interface QuantizationAwareSpec {
  /** Weights of all layers; float32 if left out. */
  readonly weights?: WeightEstimator;
  /** Inputs of all layers but the first; float32 if left out. */
  readonly inputs?: InputEstimator;
  /** Bits of a pixel, on the fixed grid from black to white; float32 if left out. */
  readonly image?: { readonly bits: Bits };
  /** Weights of the first layer, where they are not as all others. */
  readonly firstWeights?: WeightEstimator | "float";
  /** Weights and inputs of the last layer, where they are not as all others. */
  readonly last?: {
    readonly weights?: WeightEstimator | "float";
    readonly inputs?: InputEstimator | "float";
  };
  /**
   * Learned grids of integers begin at so many bits, where that is more, and lose one after the other
   * over the first steps of the training; every width gets equally many of them.
   */
  readonly progressive?: { readonly bits: Bits; readonly steps: number };
}

/** What is done to one layer. */
export interface LayerQuantization {
  /** To its weights; nothing if left out. */
  readonly weights?: WeightEstimator;
  /** To its inputs; nothing if left out. */
  readonly inputs?: InputEstimator;
  /** Bits of its inputs, which are pixels. */
  readonly image?: Bits;
}

/**
 * Finds what a specification does to a layer.
 *
 * @param spec What is quantized.
 * @param layers Names of the layers, in order.
 * @param layer One of them.
 * @returns Its estimators.
 */
export function layerQuantization(
  spec: QuantizationAwareSpec,
  layers: readonly string[],
  layer: string,
): LayerQuantization {
  const chosen = <T>(...options: readonly (T | "float" | undefined)[]): T | undefined => {
    const found = options.find((one) => one !== undefined);
    return found === "float" ? undefined : found;
  };
  const isFirst = layer === layers[0];
  const last = layer === layers.at(-1) ? spec.last : undefined;
  const first = isFirst ? spec.firstWeights : undefined;
  return {
    weights: chosen(last?.weights, first, spec.weights),
    inputs: isFirst ? undefined : chosen(last?.inputs, spec.inputs),
    image: isFirst ? spec.image?.bits : undefined,
  };
}
