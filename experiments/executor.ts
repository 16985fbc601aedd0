import type { Outcome } from "./store.ts";
import type { Trial } from "./trial.ts";

/** That a trial's network is being trained, for the progress line. */
export interface Training {
  /** Tells it from an outcome. */
  readonly status: "training";
  /** Share of the training that is done, from 0 to 1. */
  readonly completed: number;
  /** Such as `seed 2, epoch 3 of 10`. */
  readonly note?: string;
}

/**
 * Told by an executor how a trial goes.
 *
 * @param id From `trialId`.
 * @param outcome How the trial ended, or how far the training of its network is.
 */
export type Report = (id: string, outcome: Outcome | Training) => void;

/**
 * Measures trials, in any order and as many at a time as it likes.
 *
 * It reports each trial once as it ends, a failed one too, and resolves when all have ended; it rejects
 * only if it cannot go on at all. When the signal aborts it stops as soon as it can.
 */
export type Execute = (
  trials: readonly Trial[],
  report: Report,
  signal: AbortSignal,
) => Promise<void>;
