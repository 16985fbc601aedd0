import { type Bits, type Granularity, isBits } from "../compression/mod.ts";
import { chunksOf, type ResidentImages } from "../data/mod.ts";
import { groupMistakes, rowsOf } from "../experiments/weight_rows.ts";
import { UserError } from "../formats/mod.ts";
import type { Device } from "../gpu/mod.ts";
import type { Model } from "../models/mod.ts";
import {
  decodeNetwork,
  fewImagesRemarks,
  initialQuantizationAware,
  type InputEstimator,
  needsCalibration,
  quantizationAware,
  quantizationAwareMistakes,
  type QuantizationAwareSpec,
  RANGE_IMAGES,
  type TrainerOptions,
  type WeightEstimator,
} from "../training/mod.ts";
import { readCheckpointFile } from "./checkpoint_file.ts";
import type { Recipe } from "./train_recipe.ts";

/** Ways to train under quantization, by the name that the command line takes. */
export const QUANTIZERS = [
  "lsq",
  "lsq_plus",
  "pact",
  "dorefa",
  "straight_through",
  "magnitude",
] as const;

/** Bits of a weight as they are typed: a number, or three levels. */
function weightBitsOf(text: string): Bits | "ternary" {
  const bits = Number(text);
  if (text === "ternary") return "ternary";
  if (text.trim() !== "" && isBits(bits)) return bits;
  throw new UserError(
    `Cannot use --weight-bits ${text}: it must be a whole number from 1 to 16, or ternary`,
  );
}

/** Which weights share a grid, as it is typed. */
function granularityOf(text: string): Granularity {
  if (text === "tensor" || text === "channel") return text;
  const group = Number(text);
  if (text.trim() !== "" && Number.isInteger(group) && group >= 1) return { group };
  throw new UserError(
    `Cannot use --granularity ${text}: it must be tensor, channel or a whole number from 1`,
  );
}

/** Bits to begin with and steps to lose them in, as they are typed. */
function progressiveOf(text: string): NonNullable<QuantizationAwareSpec["progressive"]> {
  const [, bits, steps] = /^(\d+):(\d+)$/.exec(text) ?? [];
  if (isBits(Number(bits)) && Number(steps) >= 1) {
    return { bits: Number(bits) as Bits, steps: Number(steps) };
  }
  throw new UserError(
    `Cannot use --progressive ${text}: it must be BITS:STEPS, 1 to 16 bits and steps from 1, such as ` +
      "8:2000",
  );
}

function weightsOf(
  quantize: NonNullable<Recipe["quantize"]>,
  bits: Bits | "ternary",
  granularity: Granularity,
): WeightEstimator {
  if (quantize === "magnitude") {
    if (bits === 1 || bits === "ternary") {
      return { kind: "magnitude", levels: bits === 1 ? "binary" : "ternary", granularity };
    }
    throw new UserError(
      `Cannot use --quantize magnitude: --weight-bits must be 1 or ternary: found ${bits}`,
    );
  }
  if (quantize === "lsq" || quantize === "lsq_plus") {
    return { kind: "learnedStep", bits, granularity };
  }
  if (bits === "ternary") {
    throw new UserError(
      `Cannot use --weight-bits ternary: --quantize must be lsq, lsq_plus or magnitude: found ` +
        quantize,
    );
  }
  if (quantize !== "straight_through") return { kind: "dorefa", bits, granularity };
  const kind = "straightThrough";
  return bits === 1 ? { kind, bits, granularity } : { kind, bits, granularity, symmetric: true };
}

function inputsOf(
  quantize: NonNullable<Recipe["quantize"]>,
  bits: Bits,
  warmUp: number | undefined,
): InputEstimator {
  if (warmUp !== undefined && quantize !== "straight_through" && quantize !== "dorefa") {
    throw new UserError(
      `Cannot use --warm-up: --quantize must be straight_through or dorefa: found ${quantize}`,
    );
  }
  switch (quantize) {
    case "pact":
      return { kind: "learnedClip", bits };
    case "lsq_plus":
      return { kind: "learnedStep", bits, offset: true };
    case "dorefa":
    case "straight_through":
      return { kind: "straightThrough", bits, ...warmUp !== undefined && { warmUp } };
    default:
      return { kind: "learnedStep", bits };
  }
}

/**
 * Finds what a recipe quantizes while it trains.
 *
 * @param recipe What was typed.
 * @returns The specification, or undefined if nothing is quantized.
 * @throws {UserError} If options do not go together.
 */
export function quantizationOf(recipe: Recipe): QuantizationAwareSpec | undefined {
  const { quantize, weightBits, activationBits, imageBits, granularity, progressive, warmUp } =
    recipe;
  if (recipe.distill !== undefined && recipe.from === undefined) {
    throw new UserError("Cannot use --distill: a teacher must be given by --from: there is none");
  }
  const bits = { "--weight-bits": weightBits, "--activation-bits": activationBits };
  const given = Object.entries({ ...bits, "--image-bits": imageBits })
    .filter(([, value]) => value !== undefined).map(([flag]) => flag);
  if (quantize === undefined) {
    const others = {
      "--granularity": granularity,
      "--progressive": progressive,
      "--warm-up": warmUp,
    };
    const needless = Object.entries(others)
      .filter(([, value]) => value !== undefined).map(([flag]) => flag);
    const [flag] = [...given, ...needless];
    if (flag === undefined) return undefined;
    throw new UserError(`Cannot use ${flag}: --quantize must say how: it is left out`);
  }
  if (given.length === 0) {
    throw new UserError(
      `Cannot use --quantize ${quantize}: --weight-bits, --activation-bits or --image-bits must be ` +
        "given: none is",
    );
  }
  if (granularity !== undefined && weightBits === undefined) {
    throw new UserError(
      "Cannot use --granularity: it is of weights, so --weight-bits must be given: it is left out",
    );
  }
  if (warmUp !== undefined && activationBits === undefined) {
    throw new UserError(
      "Cannot use --warm-up: it is of activations, so --activation-bits must be given: it is left out",
    );
  }
  const shared = granularityOf(granularity ?? "channel");
  const spec: QuantizationAwareSpec = {
    ...weightBits !== undefined && {
      weights: weightsOf(quantize, weightBitsOf(weightBits), shared),
    },
    ...activationBits !== undefined &&
      { inputs: inputsOf(quantize, activationBits as Bits, warmUp) },
    ...imageBits !== undefined && { image: { bits: imageBits as Bits } },
    ...progressive !== undefined && { progressive: progressiveOf(progressive) },
  };
  const mistakes = quantizationAwareMistakes(spec, { emaDecay: recipe.ema });
  if (mistakes.length > 0) {
    throw new UserError(`Cannot train under quantization: ${mistakes.join("; ")}`);
  }
  return spec;
}

/**
 * Wraps a float model as a recipe asks.
 *
 * @param float The float model.
 * @param spec What is quantized; nothing if left out.
 * @returns What is trained.
 * @throws {UserError} If a group of weights does not divide a row, with the layers.
 */
export function quantizedModel(float: Model, spec: QuantizationAwareSpec | undefined): Model {
  if (spec === undefined) return float;
  const granularity = spec.weights?.granularity;
  if (typeof granularity === "object") {
    const mistakes = groupMistakes(granularity.group, rowsOf(float));
    if (mistakes.length > 0) throw new UserError(`Cannot use --granularity: ${mistakes[0]}`);
  }
  return quantizationAware(float, spec);
}

/**
 * Gives what a training that is not resumed begins with, and its teacher.
 *
 * @param device Where calibration runs.
 * @param model The float model.
 * @param recipe What was typed.
 * @param images The training set, whose first images calibrate.
 * @param isResumed Whether weights come from a checkpoint.
 * @returns Initial weights and teacher, as far as the recipe has them, and what to say of calibration.
 * @throws {UserError} If the file of `--from` does not fit the model.
 */
export async function startFrom(
  device: Device,
  model: Model,
  recipe: Recipe,
  images: ResidentImages,
  isResumed: boolean,
): Promise<Pick<TrainerOptions, "initial" | "teacher"> & { remarks?: readonly string[] }> {
  const { from, distill } = recipe;
  if (from === undefined || (isResumed && distill === undefined)) return {};
  const { parameters } = decodeNetwork(model, await readCheckpointFile(from, "start from"), from);
  const teacher = distill === undefined ? {} : { teacher: { model, parameters: [parameters] } };
  if (isResumed) return teacher;
  const spec = quantizationOf(recipe);
  if (spec === undefined) return { ...teacher, initial: [parameters] };
  const chunks = chunksOf(device, images, RANGE_IMAGES).slice(0, 1);
  const start = await initialQuantizationAware(device, model, spec, parameters, chunks);
  const few = needsCalibration(model, spec)
    ? fewImagesRemarks(`all layers of ${model.title}`, images.count, RANGE_IMAGES)
    : [];
  return { ...teacher, initial: [start.parameters], remarks: [...few, ...start.remarks] };
}
