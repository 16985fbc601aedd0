import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { WeightStatistics } from "../training/mod.ts";
import { writeCsv } from "./csv.ts";
import { mean } from "./statistics.ts";

/** Digits of a number in a log. */
const DIGITS = 6;

/** Stretches of a training whose steps are averaged into one each. */
export const STRETCHES = 25;

/** What a step did to weights that are rounded while they are trained. */
export interface LoggedStep extends WeightStatistics {
  /** Counted from 1. */
  readonly step: number;
}

/**
 * Says where the log of a training is kept: beside its network.
 *
 * @param networks Folder of trained networks.
 * @param id Of the network.
 * @returns A path.
 */
export function stepLogPath(networks: string, id: string): string {
  return join(networks, `${id}.steps.csv`);
}

/**
 * Writes what every step of a training did as CSV.
 *
 * @param steps One a step.
 * @returns The text, with the columns step, updates_lost, zero_weights and weight_norm: shares of the
 *   weights that the optimizer moved and of all weights, and the Euclidean norm of all weights.
 */
export function stepLogCsv(steps: readonly WeightStatistics[]): string {
  const short = (value: number) => Number(value.toPrecision(DIGITS));
  return writeCsv(
    ["step", "updates_lost", "zero_weights", "weight_norm"],
    steps.map(({ updatesLost, zeros, norm }, i) =>
      [i + 1, short(updatesLost), short(zeros), short(norm)] as const
    ),
  );
}

/**
 * Reads what {@link stepLogCsv} wrote.
 *
 * @param networks Folder of trained networks.
 * @param id Of the network.
 * @returns Its steps; nothing if no log is there.
 */
export function readStepLog(networks: string, id: string): LoggedStep[] | undefined {
  let text: string;
  try {
    text = readFileSync(stepLogPath(networks, id), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return text.trim().split(/\r?\n/).slice(1).map((line) => {
    const [step, updatesLost, zeros, norm] = line.split(",").map(Number);
    return { step, updatesLost, zeros, norm };
  });
}

/** Means over the steps of each stretch, placed at the last one. */
function stretchesOf(log: readonly LoggedStep[]): LoggedStep[] {
  const count = Math.min(STRETCHES, log.length);
  return Array.from({ length: count }, (_, i) => {
    const part = log.slice(
      Math.floor(i * log.length / count),
      Math.floor((i + 1) * log.length / count),
    );
    return { ...meanOf(part), step: part.at(-1)!.step };
  });
}

function meanOf(steps: readonly LoggedStep[]): LoggedStep {
  const of = (value: (step: LoggedStep) => number) => mean(steps.map(value));
  return {
    step: steps[0].step,
    updatesLost: of(({ updatesLost }) => updatesLost),
    zeros: of(({ zeros }) => zeros),
    norm: of(({ norm }) => norm),
  };
}

/**
 * Averages logs over seeds, and over the steps of {@link STRETCHES} stretches, or of fewer steps.
 *
 * @param logs One a seed, of equally many steps.
 * @returns One a stretch, placed at its last step.
 */
export function meanStretches(logs: readonly (readonly LoggedStep[])[]): LoggedStep[] {
  const bySeed = logs.map(stretchesOf);
  return bySeed[0].map((_, i) => meanOf(bySeed.map((stretches) => stretches[i])));
}
