import type { Command } from "@commander-js/extra-typings";
import { datasetForm, loadDataset } from "../data/mod.ts";
import { UserError } from "../formats/mod.ts";
import { createModel, type Model } from "../models/mod.ts";
import { inspectFile } from "./inspect_file.ts";
import { inspectOctal } from "./inspect_octal.ts";
import {
  checkDataset,
  checkFit,
  DATASET_HELP,
  imageCount,
  MODEL_HELP,
  parseModel,
  PREVIEW_IMAGES,
  userPath,
  userPlace,
} from "./options.ts";
import { parseVariant, SPEC_HELP } from "./variant_spec.ts";

interface InspectOptions {
  readonly model?: string;
  readonly dataset: string;
  readonly data?: string;
  readonly images?: number;
  readonly out: string;
  readonly octal?: true;
  readonly json?: true;
}

/** Images of a set that has no name are known only when it is read. */
async function modelFor(
  name: string | undefined,
  { dataset, data: directory }: InspectOptions,
): Promise<Model | undefined> {
  if (name === undefined) return undefined;
  const spec = parseModel(name);
  const form = datasetForm(dataset);
  if (form !== undefined) return createModel(spec, form.inputShape, form.classes);
  const { test, classes } = await loadDataset(dataset, { directory });
  return createModel(spec, [test.channels, test.height, test.width], classes.length);
}

async function inspect(a: string, b: string | undefined, options: InspectOptions): Promise<void> {
  const { dataset, data, json = false } = options;
  await checkDataset(dataset, data);
  const first = parseVariant(a);
  if (b === undefined) {
    if (first.quantization !== undefined || first.path === undefined) {
      throw new UserError(
        `Cannot inspect ${a}: a quantized form is compared with another network: only one is named`,
      );
    }
    if (options.octal) return await inspectOctal(userPath(first.path), first.path, json);
    const model = await modelFor(options.model, options);
    return await inspectFile(userPath(first.path), first.path, model, json);
  }
  if (options.octal) {
    throw new UserError(`Cannot use --octal: it is of one file: there is ${b} beside ${a}`);
  }
  if (first.path === undefined) {
    throw new UserError(`Cannot inspect ${a}: the first network must be a file, or FILE@${a}`);
  }
  const model = parseModel(options.model ?? "fc_nn");
  checkFit(model, dataset);
  // loaded only now: charts want a native library, which one file does not
  const { inspectPair } = await import("./inspect_pair.ts");
  await inspectPair([first, parseVariant(b)], {
    model,
    dataset,
    data,
    ...options.images !== undefined && { images: options.images },
    out: options.out,
    json,
  });
}

/** `inspect`: what a file holds, or how two networks differ layer by layer. */
export function addInspect(program: Command): void {
  program.command("inspect")
    .description("show what a checkpoint holds, or where two variants of a network differ")
    .argument("<a>", `safetensors file, with @${SPEC_HELP} quantized first`)
    .argument("[b]", "another one, or a quantization alone: of the same file")
    .option("--model <name>", `${MODEL_HELP}; of one file unchecked, of two fc_nn if left out`)
    .option("--dataset <name>", DATASET_HELP, userPlace, "mnist")
    .option("--data <folder>", "folder or address of a data set that is known by name", userPlace)
    .option(
      "--images <n>",
      `compare on the first so many test images, or all (usual: all; ${PREVIEW_IMAGES} of a resnet)`,
      imageCount,
    )
    .option("--out <folder>", "where chart and CSV go", userPath, userPath("runs/inspect"))
    .option("--octal", "what the weights of one file take in bytes, in base 8 and otherwise")
    .option("--json", "print JSON instead of a table")
    .action(inspect);
}
