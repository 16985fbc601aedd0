import type { Bits } from "../../compression/mod.ts";
import { adam, type QuantizationAwareSpec, type TrainingPlan } from "../../training/mod.ts";

/** Bits of information in three levels. */
export const TERNARY = 1.585;
/** Bits of a pixel where everything else has one: black and white is another data set. */
export const IMAGE_OF_ONE_BIT = 8;

/** How weights and inputs find their grids while they learn; float32 for the control. */
export type Estimator = "float32" | "ranges" | "learned";

/** What is quantized. */
export type Quantized = "weights" | "weights_and_activations";

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

function weightsOf(estimator: Estimator, width: number): QuantizationAwareSpec["weights"] {
  const granularity = "channel";
  // a learned step of signs cuts the gradient of all larger weights
  if (estimator === "learned" && width !== 1) {
    const bits = width === TERNARY ? "ternary" : width as Bits;
    return { kind: "learnedStep", bits, granularity };
  }
  if (width === 1) return { kind: "magnitude", levels: "binary", granularity };
  if (width === TERNARY) return { kind: "magnitude", levels: "ternary", granularity };
  return { kind: "straightThrough", bits: width as Bits, granularity };
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
    inputs: estimator === "learned"
      ? { kind: "learnedStep", bits }
      : { kind: "straightThrough", bits },
    image: { bits: bits === 1 ? IMAGE_OF_ONE_BIT : bits },
  };
}
