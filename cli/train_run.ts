import { readFile } from "node:fs/promises";
import {
  chunksOf,
  type Dataset,
  type ImageSet,
  loadDataset,
  splitTrainValidation,
  uploadImages,
} from "../data/mod.ts";
import { drawTrainingCurve, type EpochPoint, openProgress } from "../experiments/mod.ts";
import { writeFile } from "../experiments/write_file.ts";
import { UserError } from "../formats/mod.ts";
import { type Device, formatAdapterName, openDevice } from "../gpu/mod.ts";
import { createModel, type Model, uploadParameters } from "../models/mod.ts";
import {
  captureNetwork,
  createTrainer,
  decodeNetwork,
  earlyStopping,
  encodeNetwork,
  evaluate,
  resumeOptions,
  type Trainer,
} from "../training/mod.ts";
import { downloadProgress } from "./download_progress.ts";
import { describeEvaluation } from "./evaluate.ts";
import { gitCommit } from "./git_commit.ts";
import { checkDataset, checkFit } from "./options.ts";
import { type TrainedEpoch, trainEpochs } from "./train_epochs.ts";
import {
  checkFiles,
  takeBestAlong,
  type TrainFiles,
  trainFiles,
  writeCurve,
} from "./train_files.ts";
import { quantizationOf, quantizedModel, startFrom } from "./train_quantization.ts";
import {
  completeRecipe,
  modelOf,
  planOf,
  type Recipe,
  type RecipeOptions,
} from "./train_recipe.ts";
import {
  type Checkpoint,
  commandOf,
  readCheckpoint,
  resumedRecipe,
  trainMetadata,
} from "./train_resume.ts";

/** What `train` takes: a recipe, and what may change from a run to the one that goes on with it. */
export interface TrainOptions extends RecipeOptions {
  readonly output: string;
  readonly data?: string;
  readonly resume?: string;
  readonly test?: true;
}

/** A training that can begin: all that could be checked is. */
interface Training {
  readonly recipe: Recipe;
  readonly files: TrainFiles;
  readonly dataset: Dataset;
  /** What is trained: `float`, or that under quantization. */
  readonly model: Model;
  readonly float: Model;
  readonly images: ImageSet;
  readonly validation: ImageSet | undefined;
  readonly checkpoint: Checkpoint | undefined;
}

async function prepare(
  options: TrainOptions,
  typed: ReadonlySet<string>,
): Promise<Training> {
  const { output, resume, data } = options;
  const checkpoint = resume === undefined ? undefined : await readCheckpoint(resume);
  const typedRecipe = completeRecipe(options);
  const recipe = checkpoint === undefined
    ? typedRecipe
    : resumedRecipe(typedRecipe, typed, checkpoint);
  const spec = modelOf(recipe);
  planOf(recipe, 1);
  const quantization = quantizationOf(recipe);
  await checkDataset(recipe.dataset, data);
  checkFit(spec, recipe.dataset);
  const files = trainFiles(output);
  await checkFiles(files);
  const onProgress = downloadProgress();
  const dataset = await loadDataset(recipe.dataset, { directory: data, onProgress });
  const { train, validation } = recipe.validate
    ? splitTrainValidation(dataset.train, dataset.validationCount)
    : { train: dataset.train, validation: undefined };
  const shape = [train.channels, train.height, train.width] as const;
  const float = createModel(spec, shape, dataset.classes.length);
  const model = quantizedModel(float, quantization);
  return { recipe, files, dataset, model, float, images: train, validation, checkpoint };
}

async function startTrainer(device: Device, training: Training): Promise<Trainer> {
  const { recipe, model, float, images, checkpoint } = training;
  const start = checkpoint === undefined
    ? { seeds: [recipe.seed] }
    : resumeOptions(decodeNetwork(model, checkpoint.bytes, checkpoint.path));
  const resident = uploadImages(device, images, model.normalization);
  const isResumed = checkpoint !== undefined;
  const { remarks = [], ...given } = await startFrom(device, float, recipe, resident, isResumed);
  for (const remark of remarks) console.error(remark);
  return createTrainer(device, model, resident, planOf(recipe, images.channels), {
    ...start,
    ...given,
  });
}

/** Refuses to go on with what has come to its end. */
function checkLeft(trainer: Trainer, { recipe, checkpoint }: Training): void {
  if (checkpoint === undefined) return;
  const { stepsDone, totalSteps } = trainer;
  if (stepsDone > 0 && stepsDone >= totalSteps) {
    throw new UserError(
      `Cannot resume from ${checkpoint.path}: steps must be left of ${totalSteps}: ` +
        `it has done ${stepsDone}`,
    );
  }
  if (progressOf(checkpoint.points, recipe).shouldStop) {
    throw new UserError(
      `Cannot resume from ${checkpoint.path}: it must not have stopped early: found ` +
        `${checkpoint.points.length} epochs with a patience of ${recipe.patience}`,
    );
  }
}

function progressOf(points: readonly EpochPoint[], { patience }: Recipe) {
  if (patience === undefined) return { best: -1, shouldStop: false };
  return earlyStopping(points.map(({ validationAccuracy = 0 }) => validationAccuracy), patience);
}

function describeEpoch(epoch: TrainedEpoch, { epochs }: Recipe): string {
  const { validationLoss, validationAccuracy } = epoch;
  const validation = validationLoss === undefined || validationAccuracy === undefined
    ? ""
    : `, validation loss ${validationLoss.toFixed(4)}, accuracy ` +
      `${(100 * validationAccuracy).toFixed(2)} %`;
  return `epoch ${epoch.epoch} of ${epochs}: training loss ${epoch.trainingLoss.toFixed(4)}` +
    `${validation}, ${epoch.imagesPerSecond} images/s`;
}

/** Writes networks and curve after an epoch: the best one first, so that a later one has it. */
async function keepEpoch(
  trainer: Trainer,
  { recipe, files, dataset }: Training,
  points: readonly EpochPoint[],
  isBest: boolean,
): Promise<void> {
  const { model } = trainer;
  const network = await captureNetwork(trainer);
  const metadata = { ...network.metadata, dataset: dataset.name, ...trainMetadata(recipe, points) };
  if (isBest) {
    const { parameters } = network;
    writeFile(files.best, encodeNetwork(model, { parameters, state: {}, metadata }));
  }
  writeFile(files.last, encodeNetwork(model, { ...network, metadata }));
  writeCurve(files.csv, points);
}

async function drawCurve(
  device: Device,
  { recipe, files, dataset, model, validation }: Training,
  points: readonly EpochPoint[],
): Promise<void> {
  const held = validation === undefined
    ? ""
    : ` Validation: after each epoch, on the last ${validation.count} training images, held out.`;
  const caption = `Training loss: mean over the steps of an epoch.${held} ` +
    `${commandOf(recipe)}; ${formatAdapterName(device.info.name, device.isSoftware)}; ` +
    `commit ${(await gitCommit()).slice(0, 12)}.`;
  writeFile(files.png, drawTrainingCurve(`${model.title} on ${dataset.name}`, caption, points));
}

async function testFile(device: Device, path: string, training: Training): Promise<string> {
  const { model, dataset: { test, name } } = training;
  const { parameters } = decodeNetwork(model, new Uint8Array(await readFile(path)), path);
  const { tensors } = uploadParameters(device, model, [parameters]);
  const chunks = chunksOf(device, uploadImages(device, test, model.normalization));
  const [result] = await evaluate(model, tensors, 1, chunks);
  return describeEvaluation(path, model.title, name, result);
}

/**
 * Trains one network: writes a checkpoint and the curve's numbers after every epoch, the curve as a
 * picture at the end, and says where the network is.
 *
 * @param options What was typed, and the defaults of what was not.
 * @param typed Names of options that somebody did type.
 * @throws {UserError} If options, files and data do not go together; all of that before any work.
 */
export async function train(
  options: TrainOptions,
  typed: ReadonlySet<string>,
): Promise<void> {
  const training = await prepare(options, typed);
  const { recipe, files, model, dataset, images, validation, checkpoint } = training;
  using device = await openDevice();
  using trainer = await startTrainer(device, training);
  checkLeft(trainer, training);
  if (recipe.patience !== undefined && checkpoint !== undefined) {
    await takeBestAlong(checkpoint.path, files);
  }
  const judge = validation &&
    chunksOf(device, uploadImages(device, validation, model.normalization));
  console.error(
    `${model.title} on ${dataset.name}, ${images.count} images, ${trainer.totalSteps} steps, ` +
      `adapter: ${formatAdapterName(device.info.name, device.isSoftware)}`,
  );
  const isTerminal = Deno.stderr.isTerminal();
  const points = [...checkpoint?.points ?? []];
  {
    using progress = openProgress({ label: "train", unit: "steps", isTerminal });
    for await (const epoch of trainEpochs(trainer, recipe.batchSize, judge, progress)) {
      const { imagesPerSecond: _, ...point } = epoch;
      points.push(point);
      const { best, shouldStop } = progressOf(points, recipe);
      await keepEpoch(trainer, training, points, best === points.length - 1);
      progress.line(describeEpoch(epoch, recipe));
      if (!shouldStop) continue;
      progress.line(`stopped early: the best epoch is ${points[best].epoch}`);
      break;
    }
  }
  await drawCurve(device, training, points);
  const kept = recipe.patience === undefined ? files.last : files.best;
  console.log(kept);
  if (options.test) console.log(await testFile(device, kept, training));
}
