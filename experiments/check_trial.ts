import { type Granularity, granularityMistakes } from "../compression/mod.ts";
import { UserError } from "../formats/user_error.ts";
import type { ModelSpec } from "../models/mod.ts";
import { planMistakes, quantizationAwareMistakes, weightEstimatorsOf } from "../training/mod.ts";
import { postTrainingGranularities, postTrainingMistakes } from "./check_post_training.ts";
import type { CompressionSpec, Trial } from "./trial.ts";
import { groupMistakes, obqMistakes, weightRows } from "./weight_rows.ts";

function refuse(what: string, wanted: string, found: unknown): never {
  throw new UserError(`Cannot run a trial: ${what} must be ${wanted}: ${found}`);
}

function checkWhole(what: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    const range = high === Infinity ? `a whole number from ${low}` : `${low} to ${high}`;
    refuse(what, range, value);
  }
}

function refuseMistakes(mistakes: readonly string[]): void {
  if (mistakes.length > 0) throw new UserError(`Cannot run a trial: ${mistakes.join("; ")}`);
}

function checkKeep(keep: number): void {
  if (!(keep > 0 && keep <= 1)) refuse("the keep ratio", "above 0 and at most 1", keep);
}

/** Which weights share a grid, wherever a compression has grids of weights. */
function granularitiesOf(compression: CompressionSpec): readonly Granularity[] {
  switch (compression.kind) {
    case "affine":
      return [compression.granularity];
    case "post_training":
      return postTrainingGranularities(compression);
    case "quantization_aware":
      return weightEstimatorsOf(compression.spec).map(({ granularity }) => granularity);
    default:
      return [];
  }
}

/** Refuses groups that do not divide the rows of the network, and rows too long, where its images are known. */
function checkRows(trial: Trial): void {
  const groups = granularitiesOf(trial.compression)
    .flatMap((granularity) => typeof granularity === "object" ? [granularity.group] : []);
  const { compression } = trial;
  const isObq = compression.kind === "post_training" && compression.method === "obq";
  if (groups.length === 0 && !isObq) return;
  const rows = weightRows(trial);
  refuseMistakes([
    ...[...new Set(groups)].flatMap((group) => groupMistakes(group, rows)),
    ...isObq ? obqMistakes(rows) : [],
  ]);
}

function checkCompression(compression: CompressionSpec, model: ModelSpec): void {
  switch (compression.kind) {
    case "none":
      return;
    case "affine":
      checkWhole("bits", compression.bits, 1, 16);
      return refuseMistakes(granularityMistakes(compression.granularity));
    case "levels":
      return checkWhole("bits", compression.bits, 1, 16);
    case "post_training":
      return refuseMistakes(postTrainingMistakes(compression));
    case "quantization_aware":
      checkWhole("epochs under quantization", compression.training.epochs, 1, Infinity);
      return refuseMistakes([
        ...planMistakes(compression.training),
        ...quantizationAwareMistakes(compression.spec, compression.training),
      ]);
    case "wavelet_threshold":
      checkWhole("wavelet levels", compression.levels, 1, Infinity);
      // neither is a kernel an image, nor what a hidden layer looks at
      if (compression.layout !== "matrix") {
        if (model.kind !== "fc_nn") {
          const wanted = "matrix, [outputs, inputs x height x width] of a convolution";
          refuse(`the wavelet layout for ${model.kind}`, wanted, compression.layout);
        }
        if (compression.layers === "all") {
          refuse("the wavelet layout for all layers", "matrix", compression.layout);
        }
      }
      return checkKeep(compression.keep);
    case "magnitude_prune":
      return checkKeep(compression.keep);
  }
}

/** What a person may choose of an architecture. */
function widthsOf(model: ModelSpec): readonly number[] {
  switch (model.kind) {
    case "fc_nn":
      return model.hidden;
    case "cnn":
      return [...model.channels, ...model.hidden ?? []];
    case "resnet":
      return [model.depth];
    case "octization_program":
      return [];
  }
}

/**
 * Refuses a trial that nobody can run, before any work is done. Names (data set, wavelet) are checked
 * where they are looked up.
 *
 * @param trial Any trial.
 * @throws {UserError} If a number is out of range: bits outside 1 to 16, a keep ratio outside (0, 1],
 *   no epochs, an empty batch, a layer without units, no images to judge or to calibrate on, a plan
 *   that cannot be carried out; if a grid does not exist, or rows of a network whose data set is known by
 *   name do not fall into groups, or are too long for OBQ; or if the weights cannot be laid out as images.
 */
export function checkTrial(trial: Trial): void {
  const { model, data, training, seed, compression, pretrained, images } = trial;
  checkWhole("the seed", seed, 0, 2 ** 32 - 1);
  checkWhole("epochs", training.epochs, 1, Infinity);
  checkWhole("the batch size", training.batchSize, 1, Infinity);
  const rate = training.optimizer.learningRate;
  if (!(rate > 0 && Number.isFinite(rate))) refuse("the learning rate", "positive", rate);
  refuseMistakes(planMistakes(training));
  if (data.first !== undefined) checkWhole("the count of training images", data.first, 1, Infinity);
  for (const width of widthsOf(model)) checkWhole("the width of a layer", width, 1, Infinity);
  if (model.kind === "octization_program") checkWhole("bits of a layer", model.bits, 1, 16);
  checkCompression(compression, model);
  checkRows(trial);
  if (images !== undefined) checkWhole("the count of images to judge on", images, 1, Infinity);
  if (pretrained !== undefined && !/^[0-9a-f]{64}$/.test(pretrained)) {
    refuse("a pretrained network", "the SHA-256 of its checkpoint", pretrained);
  }
}
