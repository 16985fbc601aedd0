import type { Command } from "@commander-js/extra-typings";
import { relative } from "node:path";
import { chunksOf, firstImages, type ImageSet, loadDataset, uploadImages } from "../data/mod.ts";
import { checkOutput } from "../experiments/write_file.ts";
import { UserError } from "../formats/mod.ts";
import { type Device, formatAdapterName, openDevice } from "../gpu/mod.ts";
import { createModel, foldBatchNorms, type Model, uploadParameters } from "../models/mod.ts";
import { decodeNetwork, evaluate, type Evaluation, quantizationAware } from "../training/mod.ts";
import { readCheckpointFile } from "./checkpoint_file.ts";
import { downloadProgress } from "./download_progress.ts";
import { describeMean, type EvaluatedFile, writeEvaluation } from "./evaluation_report.ts";
import { gitCommit } from "./git_commit.ts";
import {
  checkDataset,
  checkFit,
  checkImageCount,
  DATASET_HELP,
  MODEL_HELP,
  parseModel,
  userPath,
  userPlace,
  wholeNumber,
} from "./options.ts";
import { trainingCommand } from "./train_resume.ts";
import { trainedQuantization } from "./trained_quantization.ts";

interface EvaluateOptions {
  readonly model: string;
  readonly dataset: string;
  readonly data?: string;
  readonly images?: number;
  readonly fold?: true;
  readonly report?: string;
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

/** Everything that is the same for all files, checked before any work. */
async function prepare(options: EvaluateOptions) {
  const spec = parseModel(options.model);
  await checkDataset(options.dataset, options.data);
  checkFit(spec, options.dataset);
  if (options.report !== undefined) checkOutput(options.report);
  const dataset = await loadDataset(options.dataset, {
    directory: options.data,
    onProgress: downloadProgress(),
  });
  checkImageCount(options.images, dataset);
  const { test, classes, name } = dataset;
  const model = createModel(spec, [test.channels, test.height, test.width], classes.length);
  return { model, dataset: name, images: firstImages(test, options.images ?? Infinity) };
}

async function evaluateFile(
  device: Device,
  asked: Model,
  images: ImageSet,
  path: string,
  fold: boolean,
): Promise<EvaluatedFile & { readonly title: string }> {
  const bytes = await readCheckpointFile(path);
  const quantization = trainedQuantization(bytes, path);
  if (fold && asked.batchNorms !== undefined && quantization !== undefined) {
    throw new UserError(
      `Cannot fold the batch norms of "${path}": it was trained under quantization, which keeps them ` +
        "beside the quantized weights: leave out --fold",
    );
  }
  const trained = quantization === undefined ? asked : quantizationAware(asked, quantization);
  const saved = decodeNetwork(trained, bytes, path);
  const { model, parameters } = fold
    ? foldBatchNorms(trained, saved.parameters)
    : { model: trained, parameters: saved.parameters };
  using _scope = device.scope();
  const { tensors } = uploadParameters(device, model, [parameters]);
  const chunks = chunksOf(device, uploadImages(device, images, model.normalization));
  const started = performance.now();
  const [result] = await evaluate(model, tensors, 1, chunks);
  const seconds = (performance.now() - started) / 1000;
  return { path, title: model.title, trainedBy: trainingCommand(saved.metadata), result, seconds };
}

/** A path as one would type it here: a report is for other machines too. */
function typed(path: string): string {
  return relative(Deno.cwd(), path);
}

function commandWords(paths: readonly string[], options: EvaluateOptions): string {
  const { images, fold } = options;
  return [
    "deno task evaluate",
    ...paths.map(typed),
    `--model ${options.model} --dataset ${options.dataset}`,
    ...images === undefined ? [] : [`--images ${images}`],
    ...fold ? ["--fold"] : [],
  ].join(" ");
}

async function evaluateFiles(paths: readonly string[], options: EvaluateOptions): Promise<void> {
  const { model, dataset, images } = await prepare(options);
  using device = await openDevice();
  const adapter = formatAdapterName(device.info.name, device.isSoftware);
  const files = [];
  for (const path of paths) {
    const file = await evaluateFile(device, model, images, path, options.fold ?? false);
    files.push(file);
    const { title, result, seconds } = file;
    console.log(
      options.json
        ? JSON.stringify({ path, dataset, seconds, ...result })
        : `${describeEvaluation(path, title, dataset, result)}, ${seconds.toFixed(1)} s, ` +
          `adapter: ${adapter}`,
    );
  }
  if (files.length > 1 && !options.json) {
    console.log(describeMean(files.map(({ result }) => result)));
  }
  if (options.report === undefined) return;
  const commit = await gitCommit();
  const command = commandWords(paths, options);
  writeEvaluation(
    options.report,
    { title: files[0].title, dataset, command, adapter, commit },
    files.map((file) => ({ ...file, path: typed(file.path) })),
  );
}

/** `evaluate`: accuracy and loss of a checkpoint on the test set. */
export function addEvaluate(program: Command): void {
  program.command("evaluate")
    .description("measure checkpoints on the test set; with several, also their mean")
    .argument(
      "<file...>",
      "safetensors files, from `train` or with the names of PyTorch",
      (path: string, before: string[] | undefined) => [...before ?? [], userPath(path)],
    )
    .option("--model <name>", MODEL_HELP, "fc_nn")
    .option("--dataset <name>", DATASET_HELP, userPlace, "mnist")
    .option("--data <folder>", "folder or address of a data set that is known by name", userPlace)
    .option(
      "--images <n>",
      "only the first so many test images",
      wholeNumber("a count of images of", 1),
    )
    .option("--fold", "put batch norms into the layers before them first")
    .option("--report <folder>", "write report.md and results.csv there as well", userPath)
    .option("--json", "print the result as JSON, one line a file")
    .action(async (files, options) => await evaluateFiles(files, options));
}
