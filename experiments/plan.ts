import type { Experiment, Point } from "./define.ts";
import { expandGrid } from "./grid_points.ts";
import { type Trial, trialId } from "./trial.ts";

/** One trial of a plan. */
export interface PlannedTrial {
  /** From `trialId`. */
  readonly id: string;
  /** What is measured. */
  readonly trial: Trial;
}

/** A point of the grid, or the float32 baseline, with one trial a seed. */
export interface PlannedRow {
  /** `undefined` for the baseline. */
  readonly point: Point | undefined;
  /** In order of seeds. */
  readonly trials: readonly PlannedTrial[];
}

/** Everything that an experiment measures. */
export interface Plan {
  /** The baseline first, then the grid in its own order. */
  readonly rows: readonly PlannedRow[];
  /** Every different trial once. */
  readonly trials: readonly PlannedTrial[];
}

/**
 * Expands an experiment into trials: every point of the grid on every seed, and the baseline.
 *
 * @param experiment What to expand.
 * @returns The plan; the same for the same experiment.
 */
export function planTrials(experiment: Experiment): Plan {
  const seeds = Array.from({ length: experiment.seeds }, (_, seed) => seed);
  const row = (point: Point | undefined): PlannedRow => ({
    point,
    trials: seeds.map((seed) => {
      const trial = point ? experiment.trial(point, seed) : experiment.baseline(seed);
      return { id: trialId(trial), trial };
    }),
  });
  const rows = [row(undefined), ...expandGrid(experiment.grid).map(row)];
  const byId = new Map(
    rows.flatMap(({ trials }) => trials).map((planned) => [planned.id, planned]),
  );
  return { rows, trials: [...byId.values()] };
}
