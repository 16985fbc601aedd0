import {
  type ComparedPoint,
  compareRows,
  controlOf,
  findCliffs,
  type Row,
  type SeriesCliff,
  summarizeRow,
} from "./aggregate.ts";
import { WorkMeter } from "./cost.ts";
import type { Experiment } from "./define.ts";
import type { Execute } from "./executor.ts";
import { firstNonFinite } from "./metrics.ts";
import { type Plan, type PlannedTrial, planTrials } from "./plan.ts";
import type { Outcome, Run, Store, TrialRecord } from "./store.ts";
import type { Trial } from "./trial.ts";

/** What happens while an experiment runs. */
export type RunnerEvent =
  | {
    readonly kind: "progress";
    /** Trials that have ended, those of earlier runs too. */
    readonly done: number;
    readonly total: number;
    /** Trials found in the store. */
    readonly skipped: number;
    /** Estimate from the work done so far; `undefined` before there is any. */
    readonly etaSeconds: number | undefined;
    /** What is going on, such as `seed 2, epoch 3 of 10`. */
    readonly note?: string;
  }
  /** All seeds of a grid point, and the baseline it is compared with, have ended. */
  | { readonly kind: "row"; readonly row: Row; readonly seeds: number }
  | { readonly kind: "failed"; readonly trial: Trial; readonly error: string };

/** How to run an experiment. */
export interface RunOptions {
  /** Where outcomes are found and written down. */
  readonly store: Store;
  /** Number of the run, from `Store.startRun`. */
  readonly run: number;
  /** Who measures. */
  readonly execute: Execute;
  /** Stops the run when it aborts. */
  readonly signal?: AbortSignal;
  /** Measures again what is in the store already. */
  readonly fresh?: boolean;
  /** Told of progress, finished rows and failures. */
  readonly onEvent?: (event: RunnerEvent) => void;
}

/** Everything that an experiment found out. */
export interface ExperimentResult {
  /** What was asked. */
  readonly experiment: Experiment;
  /** The run that asked, and all earlier runs whose trials are in the result. */
  readonly runs: readonly Run[];
  /** The float32 network. */
  readonly baseline: Row;
  /** Every point of the grid, the last axis fastest. */
  readonly rows: readonly Row[];
  /** Where each series falls off. */
  readonly cliffs: readonly SeriesCliff[];
  /** Every comparison at every place. */
  readonly comparisons: readonly ComparedPoint[];
  /** Every trial, failed ones too. */
  readonly trials: readonly TrialRecord[];
}

/** An experiment was stopped before its end; what was measured is in the store. */
export class InterruptedError extends Error {
  /** Name of the class. */
  override readonly name: string = "InterruptedError";
}

/**
 * Runs an experiment: measures every trial that the store does not have yet, writes each down as it
 * ends, and draws the conclusions.
 *
 * A trial that fails is written down and the others go on; it is tried again the next time. To resume,
 * call it again with the same store.
 *
 * @param experiment What to find out.
 * @param options The store, who measures, and whom to tell.
 * @returns All trials, summaries over seeds, cliffs and comparisons.
 * @throws {InterruptedError} If the signal aborts; it says how much is done and how to resume.
 * @throws Whatever the executor rejects with.
 */
export async function runExperiment(
  experiment: Experiment,
  { store, run, execute, signal, fresh = false, onEvent = () => {} }: RunOptions,
): Promise<ExperimentResult> {
  const plan = planTrials(experiment);
  const ended = new Set(
    plan.trials.map(({ id }) => id)
      .filter((id) => !fresh && store.find(id)?.outcome.status === "done"),
  );
  const missing = plan.trials.filter(({ id }) => !ended.has(id));
  const interrupted = (): InterruptedError =>
    new InterruptedError(
      `Stopped experiment "${experiment.name}" after ${ended.size} of ${plan.trials.length} ` +
        `trials: they are in ${store.path}: run the same command again to resume`,
    );
  if (signal?.aborted) throw interrupted();

  const meter = new WorkMeter(missing);
  const skipped = ended.size;
  const started = performance.now();
  const tellProgress = (note?: string): void => {
    const elapsed = (performance.now() - started) / 1000;
    const etaSeconds = meter.completed > 0
      ? elapsed * (1 - meter.completed) / meter.completed
      : undefined;
    const total = plan.trials.length;
    onEvent({ kind: "progress", done: ended.size, total, skipped, etaSeconds, note });
  };
  const tellRows = rowTeller(experiment, plan, store, ended, onEvent);

  const failedNow = new Map<string, Outcome>();
  tellProgress();
  tellRows();
  if (missing.length > 0) {
    await measureTrials(missing, execute, signal, interrupted, (planned, outcome) => {
      if (outcome.status === "training") {
        meter.trained(planned.id, outcome.completed);
        return tellProgress(outcome.note);
      }
      store.record(planned.trial, outcome, run);
      meter.ended(planned.id);
      ended.add(planned.id);
      if (outcome.status === "failed") {
        failedNow.set(planned.id, outcome);
        onEvent({ kind: "failed", trial: planned.trial, error: outcome.error });
      }
      tellRows();
      tellProgress();
    });
  }
  return concludeExperiment(experiment, plan, store, run, failedNow);
}

/** Draws the conclusions from what is in the store, but for what failed now: older figures are no answer. */
function concludeExperiment(
  experiment: Experiment,
  plan: Plan,
  store: Store,
  run: number,
  failedNow: ReadonlyMap<string, Outcome>,
): ExperimentResult {
  const trials = plan.trials.flatMap(({ id }) => {
    const record = store.find(id);
    return record ? [{ ...record, outcome: failedNow.get(id) ?? record.outcome }] : [];
  });
  const byId = new Map(trials.map((record) => [record.id, record]));
  const [baseline, ...rows] = plan.rows.map((row) =>
    summarizeRow(
      row,
      controlOf(experiment, plan.rows, row.point),
      experiment.metrics,
      (id) => byId.get(id),
    )
  );
  const numbers = [...new Set([run, ...trials.map((record) => record.run)])];
  return {
    experiment,
    runs: numbers.flatMap((number) => store.run(number) ?? []),
    baseline,
    rows,
    cliffs: findCliffs(experiment, rows, baseline),
    comparisons: compareRows(experiment, rows),
    trials,
  };
}

/**
 * Hands trials to an executor and checks what it reports: each trial once, and finite numbers.
 *
 * @param missing What to measure.
 * @param execute Who measures.
 * @param signal Stops the wait at once when it aborts.
 * @param interrupted Makes the error to throw then.
 * @param onReport Told how each trial goes and ends.
 * @throws {InterruptedError} If the signal aborts.
 * @throws {Error} If a trial is not reported, or whatever the executor rejects with.
 */
export async function measureTrials(
  missing: readonly PlannedTrial[],
  execute: Execute,
  signal: AbortSignal | undefined,
  interrupted: () => InterruptedError,
  onReport: (planned: PlannedTrial, outcome: Parameters<Parameters<Execute>[1]>[1]) => void,
): Promise<void> {
  const open = new Map(missing.map((planned) => [planned.id, planned]));
  const stop = new AbortController();
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    stop.abort();
    reject(interrupted());
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const work = execute(missing.map(({ trial }) => trial), (id, outcome) => {
      const planned = open.get(id);
      if (stop.signal.aborted || !planned) return;
      if (outcome.status === "training") return onReport(planned, outcome);
      open.delete(id);
      onReport(planned, outcome.status === "done" ? finiteOr(outcome) : outcome);
    }, stop.signal);
    await Promise.race([work, stopped]);
  } catch (error) {
    throw signal?.aborted ? interrupted() : error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    // Whatever ended the wait, a late report must not reach a store that may be closed.
    stop.abort();
  }
  if (open.size > 0) {
    throw new Error(
      `Cannot finish the experiment: ${missing.length} trials must be reported: ` +
        `${open.size} were not`,
    );
  }
}

function finiteOr(outcome: Outcome & { status: "done" }): Outcome {
  const name = firstNonFinite(outcome.metrics);
  if (name === undefined) return outcome;
  return { status: "failed", error: `${name} is not finite`, seconds: outcome.seconds };
}

/** Tells each row once, as soon as all its trials and the baseline's have ended. */
function rowTeller(
  experiment: Experiment,
  plan: Plan,
  store: Store,
  ended: ReadonlySet<string>,
  onEvent: (event: RunnerEvent) => void,
): () => void {
  const { metrics, seeds } = experiment;
  const untold = new Set(plan.rows);
  const isComplete = (row: Plan["rows"][number]) => row.trials.every(({ id }) => ended.has(id));
  return () => {
    if (!isComplete(plan.rows[0])) return;
    for (const planned of untold) {
      const control = controlOf(experiment, plan.rows, planned.point);
      if (!isComplete(planned) || !isComplete(control)) continue;
      untold.delete(planned);
      const row = summarizeRow(planned, control, metrics, (id) => store.find(id));
      onEvent({ kind: "row", row, seeds });
    }
  };
}
