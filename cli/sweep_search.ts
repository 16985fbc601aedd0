import { join } from "node:path";
import { type Dataset, loadDataset, splitTrainValidation } from "../data/mod.ts";
import {
  type Candidates,
  checkOutput,
  checkTrial,
  hyperparameters,
  InterruptedError,
  openProgress,
  openStore,
  planRungs,
  runSearch,
  type Search,
  searchTable,
  writeSearch,
} from "../experiments/mod.ts";
import { UserError } from "../formats/mod.ts";
import { openDevice } from "../gpu/mod.ts";
import { downloadProgress } from "./download_progress.ts";
import { checkDataset, checkFit, parseModel } from "./options.ts";
import { plainTable } from "./plain_table.ts";
import {
  abortOnSignals,
  adapterLine,
  describeRun,
  executorFor,
  type SweepPlace,
} from "./sweep_session.ts";

interface SearchOptions extends SweepPlace {
  readonly model?: string;
  readonly dataset?: string;
  readonly epochs?: number;
  readonly seeds?: number;
  readonly checkpoint?: string;
  readonly images?: number;
  readonly only?: Readonly<Record<string, readonly string[]>>;
  readonly search?: Candidates["kind"];
  readonly fresh?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

/** The options of a sweep that a search has no use for. */
const UNUSED = ["seeds", "checkpoint", "images", "only", "fresh"] as const;

function choose(options: SearchOptions): Search {
  const unused = UNUSED.filter((name) => options[name] !== undefined);
  if (unused.length > 0) {
    throw new UserError(
      `Cannot search hyper-parameters: it is one seed, trained and judged on images held out: leave out ` +
        unused.map((name) => `--${name}`).join(", "),
    );
  }
  const model = options.model === undefined ? undefined : parseModel(options.model);
  const { dataset, epochs, search: candidates } = options;
  const search = hyperparameters({ model, dataset, epochs, candidates });
  if (model && !search.models.includes(model.kind)) {
    throw new UserError(
      `Cannot search hyper-parameters: the model must be one of ${search.models.join(", ")}: ` +
        model.kind,
    );
  }
  return search;
}

function describe(search: Search): string {
  const rungs = planRungs(search);
  const epochs = rungs.reduce((sum, rung) => sum + rung.count * rung.epochs, 0);
  const words = rungs.map((rung) => `${rung.count} x ${rung.epochs}`).join(", ");
  return `${search.name}: trainings x epochs: ${words}; ${epochs} epochs\n  ${search.question}`;
}

function checkBatches({ space }: Search, { name, train, validationCount }: Dataset): void {
  const { draw } = space.batchSize;
  const largest = draw.kind === "choice" ? Math.max(...draw.values) : draw.high;
  const { count } = splitTrainValidation(train, validationCount).train;
  if (largest > count) {
    throw new UserError(
      `Cannot search hyper-parameters on ${name}: it must hold the ${largest} images of a batch to ` +
        `learn from: it holds ${count}`,
    );
  }
}

/** `sweep hyperparameters`: searches by successive halving, and resumes. */
export async function searchHyperparameters(options: SearchOptions): Promise<void> {
  const search = choose(options);
  const sample = search.trial({ learningRate: 1e-3, weightDecay: 0, batchSize: 1, width: 1 }, 1, 0);
  const { dataset } = sample.data;
  checkTrial(sample);
  await checkDataset(dataset, options.data);
  checkFit(sample.model, dataset);
  if (options.dryRun) return console.log(describe(search));
  checkOutput(options.out);
  const loaded = await loadDataset(dataset, {
    directory: options.data,
    onProgress: downloadProgress(),
  });
  checkBatches(search, loaded);
  using store = openStore(join(options.out, "bitcliff.sqlite"));
  using device = await openDevice();
  console.error(adapterLine(device.info));
  const described = await describeRun(device);
  const run = store.startRun(described);
  const { signal, stop } = abortOnSignals();
  try {
    using progress = openProgress({ label: search.name, isTerminal: Deno.stderr.isTerminal() });
    const result = await runSearch(search, {
      store,
      run,
      execute: executorFor(device, options, described),
      signal,
      onEvent(event) {
        if (event.kind === "progress") progress.update(event);
        else progress.line(`failed: ${event.error}`);
      },
    });
    const written = writeSearch(result, options.out);
    if (options.json) return console.log(JSON.stringify(result, undefined, 2));
    const { header, rows } = searchTable(result);
    console.log(`\n${search.name}: ${search.question}\n`);
    console.log(plainTable(header, rows));
    console.log(`\n${written.join("\n")}`);
    if (result.best === undefined) Deno.exitCode = 1;
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    console.error(error.message);
    Deno.exitCode = 130;
  } finally {
    stop();
  }
}
