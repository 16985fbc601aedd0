import type { Command } from "@commander-js/extra-typings";
import { readFile } from "node:fs/promises";
import { chunksOf, loadDataset, uploadImages } from "../data/mod.ts";
import { UserError } from "../formats/mod.ts";
import { openDevice } from "../gpu/mod.ts";
import { createModel, uploadParameters } from "../models/mod.ts";
import { decodeNetwork, evaluate } from "../training/mod.ts";
import { downloadProgress } from "./download_progress.ts";
import {
  checkDataset,
  checkFit,
  DATASET_HELP,
  MODEL_HELP,
  parseModel,
  userPath,
  userPlace,
} from "./options.ts";

interface EvaluateOptions {
  readonly model: string;
  readonly dataset: string;
  readonly data?: string;
  readonly json?: true;
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
  const model = createModel(spec, [test.channels, test.height, test.width], classes.length);
  const { parameters } = decodeNetwork(model, new Uint8Array(bytes), path);
  using device = await openDevice();
  const { tensors } = uploadParameters(device, model, [parameters]);
  const chunks = chunksOf(device, uploadImages(device, test, model.normalization));
  const [result] = await evaluate(model, tensors, 1, chunks);
  if (options.json) return console.log(JSON.stringify({ path, dataset: name, ...result }));
  console.log(
    `${path}: ${model.title} on the ${result.count} test images of ${name}: ` +
      `${(100 * result.accuracy).toFixed(2)} %, loss ${result.loss.toFixed(4)}, ` +
      `adapter: ${device.info.name}${device.isSoftware ? " (software)" : ""}`,
  );
}

/** `evaluate`: accuracy and loss of a checkpoint on the test set. */
export function addEvaluate(program: Command): void {
  program.command("evaluate")
    .description("measure a checkpoint on the test set")
    .argument("<file>", "a safetensors file from `train`", userPath)
    .option("--model <name>", MODEL_HELP, "fc_nn")
    .option("--dataset <name>", DATASET_HELP, userPlace, "mnist")
    .option("--data <folder>", "folder or address of a data set that is known by name", userPlace)
    .option("--json", "print the result as JSON")
    .action(async (file, options) => await evaluateFile(file, options));
}
