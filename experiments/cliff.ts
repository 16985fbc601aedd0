import { fitTwoSegments } from "./knee.ts";
import { bootstrapInterval, type Interval, mean, meanInterval } from "./statistics.ts";

/** Tolerated losses of accuracy, as fractions: 0.1, 0.5 and 1 point. */
export const CLIFF_DELTAS: readonly number[] = [0.001, 0.005, 0.01];

/** How a budget is spaced for the fit of the knee. */
export type BudgetScale = "linear" | "log2";

/** Accuracies at one budget, paired by seed with the float32 network. */
export interface BudgetPoint {
  /** Bits, keep ratio or bytes. */
  readonly budget: number;
  /** Accuracy of each seed, a fraction; the same seeds in the same order at every budget. */
  readonly accuracies: readonly number[];
  /** Accuracy of what they are compared with, the same seeds; the float32 network if left out. */
  readonly control?: readonly number[];
  /** Seeds whose network predicts at most two classes. */
  readonly collapsed: number;
}

/** The smallest budget that is safe, for one tolerated loss. */
export interface Cliff {
  /** Tolerated loss of accuracy, a fraction. */
  readonly delta: number;
  /** The smallest safe budget; `undefined` if not even the largest one measured is safe. */
  readonly budget: number | undefined;
  /** The largest budget measured below it: the cliff lies between the two. */
  readonly nextBelow: number | undefined;
  /** Accuracy minus float32 at `budget`, a fraction. */
  readonly loss: Interval | undefined;
}

/** Where the curve bends, with its uncertainty over seeds. */
export interface Knee {
  /** The knee, in units of the budget. */
  readonly budget: number;
  /** Bounds of the 95 % bootstrap interval; absent for fewer than two seeds. */
  readonly interval: { readonly lower: number; readonly upper: number } | undefined;
}

/** Everything that is said about the fall of one series. */
export interface CliffReport {
  /** One a tolerated loss, smallest first. */
  readonly cliffs: readonly Cliff[];
  /** Absent if there are fewer than five budgets. */
  readonly knee: Knee | undefined;
  /** Budgets at which at least one network has collapsed. */
  readonly collapsed: readonly number[];
}

/**
 * Finds how far a budget can be reduced before accuracy falls off the cliff.
 *
 * The cliff for a tolerated loss delta is the smallest measured budget B such that, at B **and at
 * every larger measured budget**, the lower end of the two-sided 95 % Student t interval of the
 * paired difference (accuracy - float32 accuracy of the same seed) is at least -delta. The guard over
 * larger budgets keeps a lucky point in the fall from passing for safe ground. Pairing takes out how
 * good the seed's network was to begin with.
 *
 * The knee is where two least-squares lines meet that are fitted to mean accuracy over the budget
 * (over log2 of the budget for `log2`); its interval resamples seeds.
 *
 * @param points One a budget, in any order.
 * @param float32 Accuracy of each seed's float32 network, a fraction, seeds in the same order.
 * @param scale How the budget is spaced for the knee.
 * @returns One cliff a delta of {@link CLIFF_DELTAS}, the knee and the collapsed budgets.
 * @throws {RangeError} If a point has another count of seeds than `float32`.
 */
export function findCliff(
  points: readonly BudgetPoint[],
  float32: readonly number[],
  scale: BudgetScale,
): CliffReport {
  for (const { budget, accuracies, control = float32 } of points) {
    for (const { length } of [accuracies, control]) {
      if (length === float32.length) continue;
      throw new RangeError(
        `Cannot find a cliff: every budget must have ${float32.length} seeds: ` +
          `budget ${budget} has ${length}`,
      );
    }
  }
  const ascending = [...points].sort((a, b) => a.budget - b.budget);
  const losses = ascending.map(({ accuracies, control = float32 }) =>
    meanInterval(accuracies.map((accuracy, seed) => accuracy - control[seed]))
  );
  return {
    cliffs: CLIFF_DELTAS.map((delta) => {
      // A hair of tolerance: 0.97 - 0.98 is -0.010000000000000009 in floating point.
      const last = losses.findLastIndex(({ lower }) => !(lower >= -delta - 1e-12));
      const safe = last + 1 < ascending.length ? last + 1 : undefined;
      return {
        delta,
        budget: safe === undefined ? undefined : ascending[safe].budget,
        nextBelow: ascending[last]?.budget,
        loss: safe === undefined ? undefined : losses[safe],
      };
    }),
    knee: findKnee(ascending, float32.length, scale),
    collapsed: ascending.filter(({ collapsed }) => collapsed > 0).map(({ budget }) => budget),
  };
}

function findKnee(
  ascending: readonly BudgetPoint[],
  seeds: number,
  scale: BudgetScale,
): Knee | undefined {
  const x = ascending.map(({ budget }) => scale === "log2" ? Math.log2(budget) : budget);
  const back = (knee: number) => scale === "log2" ? 2 ** knee : knee;
  const kneeOf = (indices: readonly number[]): number | undefined =>
    fitTwoSegments(x, ascending.map(({ accuracies }) => mean(indices.map((i) => accuracies[i]))))
      ?.knee;
  const all = kneeOf(Array.from({ length: seeds }, (_, i) => i));
  if (seeds === 0 || all === undefined) return undefined;
  const interval = bootstrapInterval(seeds, kneeOf);
  return {
    budget: back(all),
    interval: interval && { lower: back(interval.lower), upper: back(interval.upper) },
  };
}
