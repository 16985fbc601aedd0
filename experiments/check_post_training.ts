import {
  type Bits,
  type Granularity,
  granularityMistakes,
  gridMistakes,
  gridSpecMistakes,
  HQQ_BITS,
  isBits,
  isHqqBits,
  observerMistakes,
  reconstructionMistakes,
  type WeightGridOptions,
  type WeightGridSpec,
} from "../compression/mod.ts";
import {
  type LearnableActivations,
  MIXED_PRECISION_WIDTHS,
  type MixedPrecisionMethod,
  type PostTrainingCompression,
  type ReconstructionMethod,
} from "./quantization_trial.ts";

/** Which methods look at calibration images. */
const IS_CALIBRATED: Readonly<Record<PostTrainingCompression["method"], boolean>> = {
  nearest: false,
  hqq: false,
  bias_correction: true,
  gptq: true,
  obq: true,
  ada_round: true,
  second_order: true,
  reconstruction: true,
  mixed_precision: true,
};

function weightMistakes(weights: WeightGridOptions | undefined): string[] {
  if (weights === undefined) return ["grids of weights must be given: there are none"];
  return gridMistakes(weights);
}

function averageMistakes({ averageBits }: MixedPrecisionMethod): string[] {
  // a budget lies between those of two widths next to each other, as long as both are among them
  const ends = [Math.floor(averageBits), Math.ceil(averageBits)];
  if (ends.every((bits) => MIXED_PRECISION_WIDTHS.includes(bits as Bits))) return [];
  return [
    "the average of bits must lie between two whole ones of " +
    `${MIXED_PRECISION_WIDTHS.join(", ")}: ${averageBits}`,
  ];
}

/** Kinds of grid, of what is given: a trial from a file may lack any. */
function gridsOf(
  ...all: readonly ({ readonly grid?: WeightGridSpec } | undefined)[]
): WeightGridSpec[] {
  return all.flatMap((one) => one?.grid ?? []);
}

function planMistakes(compression: ReconstructionMethod & LearnableActivations): string[] {
  const { plan, images, weights, activations } = compression;
  const { batchSize } = plan;
  const mistakes = reconstructionMistakes(plan, gridsOf(weights, activations));
  if (Number.isInteger(batchSize) && batchSize >= 1 && batchSize <= images) return mistakes;
  return [
    ...mistakes,
    "batches of a reconstruction must be a whole number from 1 to its calibration images: " +
    `${batchSize}`,
  ];
}

/** What is wrong with a method, its images aside. */
function methodMistakes(compression: PostTrainingCompression): string[] {
  switch (compression.method) {
    case "nearest":
    case "bias_correction":
    case "gptq":
    case "obq":
      return weightMistakes(compression.weights);
    case "hqq": {
      const { bits, granularity } = compression;
      const { least, most } = HQQ_BITS;
      return [
        ...isHqqBits(bits)
          ? []
          : [`bits of HQQ must be a whole number from ${least} to ${most}: ${bits}`],
        ...granularityMistakes(granularity),
      ];
    }
    case "ada_round":
      return [
        ...weightMistakes(compression.weights),
        ...reconstructionMistakes(compression.plan, gridsOf(compression.weights)),
      ];
    case "second_order": {
      const { weights, sweeps } = compression;
      return [
        ...weightMistakes(weights),
        ...Number.isInteger(sweeps) && sweeps >= 0
          ? []
          : [`sweeps of coordinate descent must be a whole number from 0: ${sweeps}`],
      ];
    }
    case "reconstruction":
      return [...weightMistakes(compression.weights), ...planMistakes(compression)];
    case "mixed_precision":
      return averageMistakes(compression);
  }
}

function activationMistakes({ activations, method }: PostTrainingCompression): string[] {
  if (activations === undefined) return [];
  if ("range" in activations) {
    const { bits } = activations;
    return [
      ...isBits(bits)
        ? []
        : [`bits of dynamic activations must be a whole number from 1 to 16: ${bits}`],
      // the types say so too, but a trial may be read from a file
      ...(method as string) === "reconstruction"
        ? [
          "the activations of a reconstruction must be on grids whose steps can learn: dynamic",
        ]
        : [],
    ];
  }
  const { grid, observer } = activations;
  return [
    ...gridSpecMistakes(grid),
    ...observer === undefined ? [] : observerMistakes(observer, grid.bits),
  ].map((mistake) => `activations: ${mistake}`);
}

/**
 * Lists what is wrong with a post-training quantization: grids that do not exist, numbers out of range,
 * nothing to calibrate on.
 *
 * @param compression Method, grids and activations.
 * @returns What must be how, and what it is; empty if all is well.
 */
export function postTrainingMistakes(compression: PostTrainingCompression): string[] {
  const { rescaling, method } = compression;
  const mistakes = methodMistakes(compression);
  if (IS_CALIBRATED[method]) {
    const { images } = compression as { readonly images?: number };
    if (!(Number.isInteger(images) && images! >= 1)) {
      mistakes.push(`the count of calibration images must be a whole number from 1: ${images}`);
    }
  }
  if (rescaling?.kind === "smoothed" && !(rescaling.alpha >= 0 && rescaling.alpha <= 1)) {
    mistakes.push(`alpha of SmoothQuant must be 0 to 1: ${rescaling.alpha}`);
  }
  return [...mistakes, ...activationMistakes(compression)];
}

/**
 * Lists the granularities of weights in a post-training quantization.
 *
 * @param compression Method and grids.
 * @returns One or two; none where a method has its own.
 */
export function postTrainingGranularities(compression: PostTrainingCompression): Granularity[] {
  switch (compression.method) {
    case "hqq":
      return [compression.granularity];
    case "mixed_precision":
      return [];
    default:
      return [compression.weights.granularity];
  }
}
