import type { Command } from "@commander-js/extra-typings";
import { readFile } from "node:fs/promises";
import { chunksOf, firstImages, loadDataset, uploadImages } from "../data/mod.ts";
import { UserError } from "../formats/mod.ts";
import { openDevice } from "../gpu/mod.ts";
import { createModel, foldBatchNorms, uploadParameters } from "../models/mod.ts";
import { decodeNetwork, evaluate, type Evaluation } from "../training/mod.ts";
import { downloadProgress } from "./download_progress.ts";
import {
  checkDataset,
  checkFit,
  DATASET_HELP,
  MODEL_HELP,
  parseModel,
  userPath,
  userPlace,
  wholeNumber,
} from "./options.ts";

interface EvaluateOptions {
  readonly model: string;
  readonly dataset: string;
  readonly data?: string;
  readonly images?: number;
  readonly fold?: true;
  readonly json?: true;
}

/**
 * Says in words how well a network does on the test set.
 *
 * @param path The network's file.
 * @param title The network's name.
 * @param dataset Name of the data set.
 * @param result What was measured.
 * @returns One line.
 */
export function describeEvaluation(
  path: string,
  title: string,
  dataset: string,
  { count, accuracy, loss }: Evaluation,
): string {
  return `${path}: ${title} on ${count} test images of ${dataset}: ` +
    `${(100 * accuracy).toFixed(2)} %, loss ${loss.toFixed(4)}`;
}

async function evaluateFile(path: string, options: EvaluateOptions): Promise<void> {
  const spec = parseModel(options.model);
  await checkDataset(options.dataset, options.data);
  checkFit(spec, options.dataset);
  const bytes = await readFile(path).catch((error: Error) => {
    throw new UserError(`Cannot read ${path}: ${error.message.split("\n")[0]}`);
  });
  const { test, classes, name } = await loadDataset(options.dataset, {
    directory: options.data,
    onProgress: downloadProgress(),
  });
  const images = firstImages(test, options.images ?? Infinity);
  const asked = createModel(spec, [test.channels, test.height, test.width], classes.length);
  const saved = decodeNetwork(asked, new Uint8Array(bytes), path).parameters;
  const { model, parameters } = options.fold
    ? foldBatchNorms(asked, saved)
    : { model: asked, parameters: saved };
  using device = await openDevice();
  const { tensors } = uploadParameters(device, model, [parameters]);
  const chunks = chunksOf(device, uploadImages(device, images, model.normalization));
  const started = performance.now();
  const [result] = await evaluate(model, tensors, 1, chunks);
  const seconds = (performance.now() - started) / 1000;
  if (options.json) return console.log(JSON.stringify({ path, dataset: name, seconds, ...result }));
  console.log(
    `${describeEvaluation(path, model.title, name, result)}, ${seconds.toFixed(1)} s, ` +
      `adapter: ${device.info.name}${device.isSoftware ? " (software)" : ""}`,
  );
}

/** `evaluate`: accuracy and loss of a checkpoint on the test set. */
export function addEvaluate(program: Command): void {
  program.command("evaluate")
    .description("measure a checkpoint on the test set")
    .argument("<file>", "a safetensors file, from `train` or with the names of PyTorch", userPath)
    .option("--model <name>", MODEL_HELP, "fc_nn")
    .option("--dataset <name>", DATASET_HELP, userPlace, "mnist")
    .option("--data <folder>", "folder or address of a data set that is known by name", userPlace)
    .option(
      "--images <n>",
      "only the first so many test images",
      wholeNumber("a count of images of", 1),
    )
    .option("--fold", "put batch norms into the layers before them first")
    .option("--json", "print the result as JSON")
    .action(async (file, options) => await evaluateFile(file, options));
}
