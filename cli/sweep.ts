import type { Command } from "@commander-js/extra-typings";
import {
  type Candidates,
  captionNetwork,
  checkOutput,
  cliffsTable,
  type Execute,
  type Experiment,
  experimentNames,
  type ExperimentResult,
  findExperiment,
  InterruptedError,
  openProgress,
  openStore,
  overrideExperiment,
  planTrials,
  REGRESSION_NAME,
  resultLine,
  resultsJson,
  resultTable,
  runExperiment,
  type Store,
  usualDefinitions,
  writeResults,
} from "../experiments/mod.ts";
import { type Dataset, firstImages, loadDataset, splitTrainValidation } from "../data/mod.ts";
import { UserError } from "../formats/mod.ts";
import { join } from "node:path";
import { openDevice } from "../gpu/mod.ts";
import { downloadProgress } from "./download_progress.ts";
import { type Checkpoint, keepCheckpoint, readCheckpoint } from "./sweep_checkpoint.ts";
import { sweepRegression } from "./sweep_regression.ts";
import { searchHyperparameters } from "./sweep_search.ts";
import { abortOnSignals, adapterLine, describeRun, executorFor } from "./sweep_session.ts";
import {
  checkDataset,
  checkFit,
  checkImageCount,
  DATASET_HELP,
  imageCount,
  MODEL_HELP,
  MOST_EPOCHS,
  MOST_SEEDS,
  oneOf,
  parseModel,
  PREVIEW_IMAGES,
  userPath,
  userPlace,
  usualImages,
  wholeNumber,
} from "./options.ts";

/** What is asked for by name as an experiment is, but chooses its trials as it goes. */
const SEARCH = "hyperparameters";
const SEARCHES = ["random", "grid"] as const satisfies readonly Candidates["kind"][];

interface SweepOptions {
  readonly model?: string;
  readonly dataset?: string;
  readonly data?: string;
  readonly seeds?: number;
  readonly epochs?: number;
  readonly checkpoint?: string;
  readonly images?: number;
  readonly only?: Readonly<Record<string, readonly string[]>>;
  readonly search?: Candidates["kind"];
  readonly out: string;
  readonly fresh?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

/** What is asked of which network, and the network where it is not trained. */
async function choose(
  names: readonly string[],
  options: SweepOptions,
): Promise<{ experiments: Experiment[]; checkpoint: Checkpoint | undefined }> {
  const { seeds, epochs, dataset, only, model: name } = options;
  const chosen = names.length === 0 ? usualDefinitions : names.map(findExperiment);
  const model = name === undefined ? undefined : parseModel(name);
  const asked = model ?? chosen[0].baseline(0).model;
  const images = options.images ?? usualImages(asked);
  const change = { dataset, model, only, images: Number.isFinite(images) ? images : undefined };
  // mistakes first, files later
  for (const one of chosen) overrideExperiment(one, { seeds, epochs, ...change });
  const checkpoint = await readCheckpoint(name ?? asked.kind, asked, options.checkpoint);
  const pretrained = checkpoint?.sha256;
  const experiments = chosen.map((one) =>
    overrideExperiment(one, { seeds, epochs, ...change, pretrained })
  );
  return { experiments, checkpoint };
}

function describe(experiment: Experiment): string {
  const { trials, rows } = planTrials(experiment);
  return `${experiment.name}: ${rows.length} points x ${experiment.seeds} seeds, ` +
    `${trials.length} trials\n  ${experiment.question}`;
}

/** Refuses batches that hold more images than there are to learn from. */
function checkBatches(experiment: Experiment, { name, train, validationCount }: Dataset): void {
  for (const { trial } of planTrials(experiment).trials) {
    if (trial.pretrained !== undefined) continue;
    const { data, training: { batchSize } } = trial;
    const whole = data.train === "all" ? train : splitTrainValidation(train, validationCount).train;
    const learned = firstImages(whole, data.first ?? Infinity);
    if (batchSize > learned.count) {
      throw new UserError(
        `Cannot run experiment "${experiment.name}" on ${name}: it must hold the ${batchSize} images ` +
          `of a batch to learn from: it holds ${learned.count}`,
      );
    }
  }
}

/**
 * Keeps the checkpoint where trials look for it, once files and counts of images are sure to be good: a mistake
 * is told now, not by every worker and trial.
 */
async function prepareFiles(
  experiments: readonly Experiment[],
  checkpoint: Checkpoint | undefined,
  options: SweepOptions,
): Promise<void> {
  const ofDataset = Map.groupBy(experiments, (one) => one.baseline(0).data.dataset);
  for (const [dataset, together] of ofDataset) {
    const loaded = await loadDataset(dataset, {
      directory: options.data,
      onProgress: downloadProgress(),
    });
    checkImageCount(options.images, loaded);
    for (const experiment of together) checkBatches(experiment, loaded);
    const networks = join(options.out, "networks");
    if (checkpoint !== undefined) keepCheckpoint(checkpoint, together, networks, loaded);
  }
}

async function runOne(
  experiment: Experiment,
  store: Store,
  run: number,
  execute: Execute,
  signal: AbortSignal,
  options: SweepOptions,
): Promise<ExperimentResult> {
  using progress = openProgress({ label: experiment.name, isTerminal: Deno.stderr.isTerminal() });
  return await runExperiment(experiment, {
    store,
    run,
    execute,
    signal,
    fresh: options.fresh,
    onEvent(event) {
      if (event.kind === "progress") progress.update(event);
      else if (event.kind === "row") progress.line(resultLine(experiment, event.row));
      else progress.line(`failed: seed ${event.trial.seed}: ${event.error}`);
    },
  });
}

function show(result: ExperimentResult, written: readonly string[]): void {
  const { experiment, baseline, rows, cliffs } = result;
  console.log(`\n${experiment.name}: ${experiment.question}\n`);
  console.log(resultTable(experiment, [baseline, ...rows]));
  console.log("\nCliffs: the smallest budget that stays within so many points of float32");
  console.log(cliffsTable(experiment, cliffs));
  console.log(`\n${written.join("\n")}`);
}

/** A run with gaps must not look like a success to a script. */
function complain({ experiment, trials }: ExperimentResult): void {
  const failed = trials.filter(({ outcome }) => outcome.status === "failed").length;
  if (failed === 0) return;
  console.error(
    `Cannot complete experiment "${experiment.name}": ${failed} of ${trials.length} trials failed: ` +
      "run the same command again to try them again",
  );
  Deno.exitCode = 1;
}

async function sweep(names: readonly string[], options: SweepOptions): Promise<void> {
  if (names.includes(SEARCH)) {
    if (names.length > 1) {
      throw new UserError(`Cannot sweep ${names.join(", ")}: ${SEARCH} is run alone`);
    }
    return await searchHyperparameters(options);
  }
  if (options.search !== undefined) {
    throw new UserError(`Cannot use --search ${options.search}: it is for ${SEARCH} alone`);
  }
  if (names.includes(REGRESSION_NAME)) {
    if (names.length > 1) {
      throw new UserError(`Cannot sweep ${names.join(", ")}: ${REGRESSION_NAME} is run alone`);
    }
    return await sweepRegression(options);
  }
  const { experiments, checkpoint } = await choose(names, options);
  for (const experiment of experiments) {
    const { data, model } = experiment.baseline(0);
    await checkDataset(data.dataset, options.data);
    checkFit(model, data.dataset);
  }
  if (options.dryRun) return console.log(experiments.map(describe).join("\n"));
  checkOutput(options.out);
  await prepareFiles(experiments, checkpoint, options);
  using store = openStore(join(options.out, "bitcliff.sqlite"));
  using device = await openDevice();
  console.error(adapterLine(device.info));
  if (checkpoint !== undefined) console.error(`network: ${checkpoint.path}`);
  for (const one of experiments) console.error(`${one.name}: ${captionNetwork(one)}`);
  const described = await describeRun(device);
  const run = store.startRun(described);
  const execute = executorFor(device, options, described);
  const { signal, stop } = abortOnSignals();
  try {
    for (const experiment of experiments) {
      const result = await runOne(experiment, store, run, execute, signal, options);
      const written = writeResults(result, options.out);
      if (options.json) console.log(resultsJson(result));
      else show(result, written);
      complain(result);
    }
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    console.error(error.message);
    Deno.exitCode = 130;
  } finally {
    stop();
  }
}

/** Reads `AXIS=VALUE,...`, beside those of other axes. */
function partOfGrid(
  text: string,
  before: Readonly<Record<string, readonly string[]>> = {},
): Readonly<Record<string, readonly string[]>> {
  const [, axis, values] = /^(\w+)=([^,=]+(?:,[^,=]+)*)$/.exec(text) ?? [];
  if (axis !== undefined && !Object.hasOwn(before, axis)) {
    return { ...before, [axis]: values.split(",") };
  }
  throw new UserError(
    `Cannot use --only ${text}: it must be AXIS=VALUE,... such as bits=2,4, each axis once`,
  );
}

/** `sweep`: runs experiments, and resumes them. */
export function addSweep(program: Command): void {
  program.command("sweep")
    .description("measure how far a network can be reduced; resumes where it was stopped")
    .argument("[experiment...]", `any of ${experimentNames.join(", ")}`)
    .option("--model <name>", MODEL_HELP)
    .option("--dataset <name>", DATASET_HELP, userPlace)
    .option("--data <folder>", "folder or address of a data set that is known by name", userPlace)
    .option("--seeds <n>", "networks an arm", wholeNumber("seeds", 1, MOST_SEEDS))
    .option(
      "--epochs <n>",
      "passes over the training images, before anything is compressed",
      wholeNumber("epochs", 1, MOST_EPOCHS),
    )
    .option("--checkpoint <file>", "a safetensors file that is the network, not trained", userPath)
    .option(
      "--images <n>",
      `judge on the first so many test images, or all (usual: all; ${PREVIEW_IMAGES} of a resnet)`,
      imageCount,
    )
    .option(
      "--only <axis=values>",
      "measure a part of the grid, such as estimator=learned or bits=2,4; may be repeated",
      partOfGrid,
    )
    .option(
      "--search <kind>",
      `what ${SEARCH} tries: ${SEARCHES.join(" or ")} (usual: ${SEARCHES[0]})`,
      oneOf("search", SEARCHES),
    )
    .option("--out <folder>", "where results and the store go", userPath, userPath("runs"))
    .option("--fresh", "measure again what is in the store, on the networks that are trained")
    .option("--dry-run", "say what would be measured")
    .option("--json", "print results as JSON")
    .action(async (names, options) => await sweep(names, options));
}
