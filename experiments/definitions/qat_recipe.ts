import type { Bits } from "../../compression/mod.ts";
import { adam, type QuantizationAwareSpec, type TrainingPlan } from "../../training/mod.ts";
import type { Quantized } from "./quantized_axis.ts";

/** Bits of information in three levels. */
export const TERNARY = 1.585;
/** Bits of a pixel where everything else has one: black and white is another data set. */
export const IMAGE_OF_ONE_BIT = 8;

/**
 * How weights and inputs find their grids while they learn; float32 for the control.
 *
 * `learned` is LSQ, `learned_offset` LSQ+: the same weights, and inputs that learn an offset too.
 */
export type Estimator = "float32" | "ranges" | "learned" | "learned_offset" | "dorefa_pact";

/** Trainings on from the trained network, which is also the teacher where there is distillation. */
export interface QatTraining {
  readonly usual: TrainingPlan;
  /** With one bit for weights and activations. */
  readonly ofOneBit: TrainingPlan;
}

const USUAL: TrainingPlan = {
  optimizer: adam({ learningRate: 2e-3 }),
  schedule: { kind: "cosine", finalFraction: 0 },
  epochs: 20,
  batchSize: 128,
  augmentation: { cropPadding: 1 },
  distillation: { weight: 0.5 },
};

/** One bit everywhere learns better from labels alone, unmoved images and longer. */
const OF_ONE_BIT: TrainingPlan = {
  optimizer: USUAL.optimizer,
  schedule: { kind: "one_cycle", warmup: 0.3 },
  epochs: 30,
  batchSize: USUAL.batchSize,
};

/** Of fully connected networks. */
export const QAT_TRAINING: QatTraining = { usual: USUAL, ofOneBit: OF_ONE_BIT };

const OF_CONVOLUTIONS: TrainingPlan = {
  ...USUAL,
  optimizer: adam({ learningRate: 5e-4 }),
  epochs: 3,
};

/** Of convolutional networks, where an epoch takes many times as long. */
export const QAT_TRAINING_OF_CONVOLUTIONS: QatTraining = {
  usual: OF_CONVOLUTIONS,
  ofOneBit: OF_CONVOLUTIONS,
};

const OF_RESIDUAL_NETWORKS: TrainingPlan = {
  ...OF_CONVOLUTIONS,
  augmentation: { cropPadding: 4 },
  epochs: 1,
};

/** Of residual networks, which were trained elsewhere, on images moved by up to 4 pixels. */
export const QAT_TRAINING_OF_RESIDUAL_NETWORKS: QatTraining = {
  usual: OF_RESIDUAL_NETWORKS,
  ofOneBit: OF_RESIDUAL_NETWORKS,
};

type QuantizingEstimator = Exclude<Estimator, "float32">;

function weightsOf(
  estimator: QuantizingEstimator,
  width: number,
): QuantizationAwareSpec["weights"] {
  const granularity = "channel";
  const isLearned = estimator === "learned" || estimator === "learned_offset";
  // a learned step of signs cuts the gradient of all larger weights
  if (isLearned && width !== 1) {
    const bits = width === TERNARY ? "ternary" : width as Bits;
    return { kind: "learnedStep", bits, granularity };
  }
  // DoReFa's own 1 bit is the sign times the mean magnitude (its section 2.3); three levels it has none
  if (width === 1) return { kind: "magnitude", levels: "binary", granularity };
  if (width === TERNARY) return { kind: "magnitude", levels: "ternary", granularity };
  const bits = width as Bits;
  return estimator === "dorefa_pact"
    ? { kind: "dorefa", bits, granularity }
    : { kind: "straightThrough", bits, granularity };
}

function inputsOf(estimator: QuantizingEstimator, bits: Bits): QuantizationAwareSpec["inputs"] {
  switch (estimator) {
    case "ranges":
      return { kind: "straightThrough", bits };
    case "learned":
      return { kind: "learnedStep", bits };
    case "learned_offset":
      return { kind: "learnedStep", bits, offset: true };
    case "dorefa_pact":
      return { kind: "learnedClip", bits };
  }
}

/**
 * Says what is quantized while a network is trained on.
 *
 * @param estimator How grids are found.
 * @param quantized Weights, or activations and pixels too.
 * @param width Bits of a weight, or {@link TERNARY}.
 * @returns Nothing for the control.
 */
export function qatSpec(
  estimator: Estimator,
  quantized: Quantized,
  width: number,
): QuantizationAwareSpec {
  if (estimator === "float32") return {};
  const weights = weightsOf(estimator, width);
  if (quantized === "weights") return { weights };
  const bits = Math.ceil(width) as Bits;
  return {
    weights,
    inputs: inputsOf(estimator, bits),
    image: { bits: bits === 1 ? IMAGE_OF_ONE_BIT : bits },
  };
}
