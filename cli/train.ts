import type { Command } from "@commander-js/extra-typings";
import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { openProgress } from "../experiments/progress.ts";
import { checkOutput, writeFile } from "../experiments/write_file.ts";
import { chunksOf, loadDataset, splitTrainValidation, uploadImages } from "../data/mod.ts";
import { UserError } from "../formats/mod.ts";
import { openDevice } from "../gpu/mod.ts";
import { createModel, type Model } from "../models/mod.ts";
import {
  adam,
  captureNetwork,
  createTrainer,
  decodeNetwork,
  encodeNetwork,
  evaluate,
  type Optimizer,
  resumeOptions,
  type Schedule,
  SCHEDULES,
  sgd,
  type TrainerOptions,
  type TrainingPlan,
} from "../training/mod.ts";
import { downloadProgress } from "./download_progress.ts";
import {
  checkDataset,
  checkFit,
  DATASET_HELP,
  MODEL_HELP,
  MOST_EPOCHS,
  MOST_SEED,
  oneOf,
  parseModel,
  positiveNumber,
  userPath,
  userPlace,
  wholeNumber,
} from "./options.ts";

const OPTIMIZERS = ["adam", "sgd"] as const;

interface TrainOptions {
  readonly model: string;
  readonly dataset: string;
  readonly data?: string;
  readonly output: string;
  readonly resume?: string;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly optimizer: (typeof OPTIMIZERS)[number];
  readonly schedule: Schedule["kind"];
  readonly seed?: number;
}

function planOf(options: TrainOptions): TrainingPlan {
  const { learningRate, epochs, batchSize } = options;
  const optimizer: Optimizer = options.optimizer === "adam"
    ? adam({ learningRate })
    : sgd({ learningRate, momentum: 0.9 });
  const schedules: Record<Schedule["kind"], Schedule> = {
    constant: { kind: "constant" },
    cosine: { kind: "cosine", finalFraction: 0 },
    one_cycle: { kind: "one_cycle", warmup: 0.3 },
  };
  return { optimizer, schedule: schedules[options.schedule], epochs, batchSize };
}

async function readCheckpoint(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    throw new UserError(`Cannot resume from ${path}: ${(error as Error).message.split("\n")[0]}`);
  }
}

/** Where training starts: at a seed, or at a checkpoint, which has its own. */
async function startOf({ resume, seed }: TrainOptions, model: Model): Promise<TrainerOptions> {
  if (resume === undefined) return { seeds: [seed ?? 0] };
  const start = resumeOptions(decodeNetwork(model, await readCheckpoint(resume), resume));
  if (seed !== undefined && seed !== start.seeds[0]) {
    throw new UserError(
      `Cannot resume from ${resume}: the seed must be that of the checkpoint, ${start.seeds[0]}: ` +
        `it was to be ${seed}`,
    );
  }
  return start;
}

async function train(options: TrainOptions): Promise<void> {
  const spec = parseModel(options.model);
  await checkDataset(options.dataset, options.data);
  checkFit(spec, options.dataset);
  checkOutput(dirname(options.output));
  if (await stat(options.output).then((found) => found.isDirectory(), () => false)) {
    throw new UserError(
      `Cannot write a checkpoint to ${options.output}: it must be a file: found a folder`,
    );
  }
  const dataset = await loadDataset(options.dataset, {
    directory: options.data,
    onProgress: downloadProgress(),
  });
  const { train: images, validation } = splitTrainValidation(
    dataset.train,
    dataset.validationCount,
  );
  const shape = [images.channels, images.height, images.width] as const;
  const model = createModel(spec, shape, dataset.classes.length);

  const start = await startOf(options, model);

  using device = await openDevice();
  const resident = uploadImages(device, images, model.normalization);
  const judge = chunksOf(device, uploadImages(device, validation, model.normalization));
  using trainer = createTrainer(device, model, resident, planOf(options), start);
  if (trainer.stepsDone > 0 && trainer.stepsDone >= trainer.totalSteps) {
    throw new UserError(
      `Cannot resume from ${options.resume}: steps must be left of ${trainer.totalSteps}: ` +
        `it has done ${trainer.stepsDone}`,
    );
  }
  console.error(
    `${model.title} on ${dataset.name}, ${images.count} images, ${trainer.totalSteps} steps, ` +
      `adapter: ${device.info.name}${device.isSoftware ? " (software)" : ""}`,
  );
  using progress = openProgress({ label: "train", isTerminal: Deno.stderr.isTerminal() });
  const started = performance.now();
  const firstStep = trainer.stepsDone;
  while (trainer.stepsDone < trainer.totalSteps) {
    const losses = await trainer.train(
      trainer.stepsPerEpoch - trainer.stepsDone % trainer.stepsPerEpoch,
    );
    const [{ accuracy, loss }] = await evaluate(model, trainer.evaluated.tensors, 1, judge);
    writeFile(options.output, encodeNetwork(model, await captureNetwork(trainer)));
    const epoch = Math.ceil(trainer.stepsDone / trainer.stepsPerEpoch);
    const seconds = (performance.now() - started) / 1000;
    const rate = (trainer.stepsDone - firstStep) * options.batchSize / seconds;
    const mean = losses.reduce((sum, [one]) => sum + one, 0) / losses.length;
    progress.line(
      `epoch ${epoch} of ${options.epochs}: training loss ${mean.toFixed(4)}, validation loss ` +
        `${loss.toFixed(4)}, accuracy ${(100 * accuracy).toFixed(2)} %, ` +
        `${Math.round(rate)} images/s`,
    );
  }
  console.log(options.output);
}

/** `train`: trains one network and writes a checkpoint after every epoch. */
export function addTrain(program: Command): void {
  program.command("train")
    .description("train a network; a checkpoint is written after every epoch")
    .requiredOption("--output <file>", "where the checkpoint goes, such as m.safetensors", userPath)
    .option("--model <name>", MODEL_HELP, "fc_nn")
    .option("--dataset <name>", DATASET_HELP, userPlace, "mnist")
    .option("--data <folder>", "folder or address of a data set that is known by name", userPlace)
    .option("--resume <file>", "checkpoint to go on from, with the same options", userPath)
    .option(
      "--epochs <n>",
      "passes over the training images",
      wholeNumber("epochs", 1, MOST_EPOCHS),
      10,
    )
    .option("--batch-size <n>", "images a step", wholeNumber("a batch size of", 1), 128)
    .option("--learning-rate <x>", "largest rate", positiveNumber("a learning rate of"), 2e-3)
    .option("--optimizer <name>", OPTIMIZERS.join(" or "), oneOf("optimizer", OPTIMIZERS), "adam")
    .option("--schedule <name>", SCHEDULES.join(", "), oneOf("schedule", SCHEDULES), "one_cycle")
    .option(
      "--seed <n>",
      "of initial weights and batch order; if left out that of --resume, or 0",
      wholeNumber("seed", 0, MOST_SEED),
    )
    .action(async (options) => await train(options));
}
