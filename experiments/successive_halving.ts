import type { Execute } from "./executor.ts";
import type { Metrics } from "./metrics.ts";
import type { PlannedTrial } from "./plan.ts";
import { InterruptedError, measureTrials, type RunnerEvent } from "./runner.ts";
import { type Configuration, listConfigurations, planRungs, type Search } from "./search_space.ts";
import type { Run, Store } from "./store.ts";
import { trialId } from "./trial.ts";

/** One configuration at one rung. */
export interface SearchedTrial extends PlannedTrial {
  /** Number of the rung, from 0. */
  readonly rung: number;
  /** What was tried. */
  readonly configuration: Configuration;
  /** On the images held out; absent if the training failed. */
  readonly metrics?: Metrics;
  /** Why the training failed. */
  readonly error?: string;
  /** True if it went on to the next rung, or is the best of the last. */
  readonly isKept: boolean;
}

/** Everything that a search found out. */
export interface SearchResult {
  /** What was asked. */
  readonly search: Search;
  /** The run that asked, and all earlier runs whose trials are in the result. */
  readonly runs: readonly Run[];
  /** Rung by rung, each best first; failed trainings last. */
  readonly trials: readonly SearchedTrial[];
  /** The best of the last rung; absent if all failed. */
  readonly best: SearchedTrial | undefined;
}

/** How to run a search. */
export interface SearchOptions {
  /** Where outcomes are found and written down. */
  readonly store: Store;
  /** Number of the run, from `Store.startRun`. */
  readonly run: number;
  /** Who measures. */
  readonly execute: Execute;
  /** Stops the search when it aborts. */
  readonly signal?: AbortSignal;
  /** Told of progress and failures. */
  readonly onEvent?: (event: Exclude<RunnerEvent, { kind: "row" }>) => void;
}

/**
 * Searches by successive halving. Every rung trains anew, from the same seed, with a schedule of its
 * own length: a learning rate that has come down at the end of a short training has nothing to go on
 * from. What is in the store is not trained again.
 *
 * @param search What to search.
 * @param options The store, who measures, and whom to tell.
 * @returns All trials, and the best configuration by accuracy on images held out.
 * @throws {InterruptedError} If the signal aborts; it says how much is done and how to resume.
 * @throws Whatever the executor rejects with.
 */
export async function runSearch(search: Search, options: SearchOptions): Promise<SearchResult> {
  const { store, run } = options;
  const rungs = planRungs(search);
  const trials: SearchedTrial[] = [];
  const meter = searchMeter(search, options);
  let survivors = listConfigurations(search);
  for (const [rung, { count, epochs }] of rungs.entries()) {
    const planned = survivors.slice(0, count).map((configuration) => {
      const trial = search.trial(configuration, epochs, search.seed);
      return { id: trialId(trial), trial, rung, configuration };
    });
    await measureRung(planned, epochs, meter, options);
    const keep = rungs[rung + 1]?.count ?? 1;
    const ranked = planned.map((one): SearchedTrial => {
      const outcome = store.find(one.id)?.outcome;
      return outcome?.status === "done"
        ? { ...one, metrics: outcome.metrics, isKept: false }
        : { ...one, error: outcome?.error, isKept: false };
    }).sort((a, b) => accuracyOf(b) - accuracyOf(a) || lossOf(a) - lossOf(b))
      .map((one, place) => ({ ...one, isKept: place < keep && one.metrics !== undefined }));
    trials.push(...ranked);
    survivors = ranked.filter(({ isKept }) => isKept).map(({ configuration }) => configuration);
  }
  const numbers = [...new Set([run, ...trials.flatMap(({ id }) => store.find(id)?.run ?? [])])];
  return {
    search,
    runs: numbers.flatMap((number) => store.run(number) ?? []),
    trials,
    best: trials.find(({ rung, isKept }) => rung === rungs.length - 1 && isKept),
  };
}

/** A failed training ranks below all others. */
function accuracyOf({ metrics }: SearchedTrial): number {
  return metrics?.testAccuracy ?? -1;
}

/** Decides between equal accuracies. */
function lossOf({ metrics }: SearchedTrial): number {
  return metrics?.testLoss ?? Number.MAX_VALUE;
}

/** Counts epochs, which is what a search spends. */
interface SearchMeter {
  tell(now: number, note?: string): void;
  end(epochs: number, isOld: boolean): void;
  readonly interrupted: () => InterruptedError;
}

function searchMeter(search: Search, { store, onEvent = () => {} }: SearchOptions): SearchMeter {
  const rungs = planRungs(search);
  const total = rungs.reduce((sum, { count }) => sum + count, 0);
  const work = rungs.reduce((sum, { count, epochs }) => sum + count * epochs, 0);
  const started = performance.now();
  let [done, skipped, spent, old] = [0, 0, 0, 0];
  return {
    tell(now, note) {
      const fresh = spent - old + now;
      const elapsed = (performance.now() - started) / 1000;
      const etaSeconds = fresh > 0 ? elapsed * (work - spent - now) / fresh : undefined;
      onEvent({ kind: "progress", done, total, skipped, etaSeconds, note });
    },
    end(epochs, isOld) {
      done++;
      spent += epochs;
      if (isOld) [skipped, old] = [skipped + 1, old + epochs];
    },
    interrupted: () =>
      new InterruptedError(
        `Stopped search "${search.name}" after ${done} of ${total} trials: they are in ` +
          `${store.path}: run the same command again to resume`,
      ),
  };
}

async function measureRung(
  planned: readonly PlannedTrial[],
  epochs: number,
  meter: SearchMeter,
  { store, run, execute, signal, onEvent = () => {} }: SearchOptions,
): Promise<void> {
  const missing = planned.filter(({ id }) => store.find(id)?.outcome.status !== "done");
  for (let i = missing.length; i < planned.length; i++) meter.end(epochs, true);
  const running = new Map<string, number>();
  const tell = (note?: string): void =>
    meter.tell(epochs * [...running.values()].reduce((sum, share) => sum + share, 0), note);
  tell();
  if (signal?.aborted) throw meter.interrupted();
  if (missing.length === 0) return;
  await measureTrials(missing, execute, signal, meter.interrupted, ({ id, trial }, outcome) => {
    if (outcome.status === "training") {
      running.set(id, outcome.completed);
      return tell(outcome.note);
    }
    running.delete(id);
    store.record(trial, outcome, run);
    meter.end(epochs, false);
    if (outcome.status === "failed") onEvent({ kind: "failed", trial, error: outcome.error });
    tell();
  });
}
