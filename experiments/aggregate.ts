import { type CliffReport, findCliff } from "./cliff.ts";
import type { Experiment, Point } from "./define.ts";
import { equivalenceTest } from "./equivalence.ts";
import { expandGrid, matches, withoutAxes } from "./grid_points.ts";
import { isCollapsed, type MetricName, type Metrics } from "./metrics.ts";
import type { PlannedRow } from "./plan.ts";
import { comparePairs, type Interval, meanInterval, type PairedComparison } from "./statistics.ts";
import type { TrialRecord } from "./store.ts";

/** A point of the grid with all its seeds, or the float32 baseline. */
export interface Row {
  /** `undefined` for the baseline. */
  readonly point: Point | undefined;
  /** One a seed in order of seeds; `undefined` where the trial failed. */
  readonly metrics: readonly (Metrics | undefined)[];
  /** Over the seeds that did not fail. */
  readonly summary: Readonly<Partial<Record<MetricName, Interval>>>;
  /** Test accuracy minus that of the same seed's float32 network, a fraction. */
  readonly loss: Interval;
  /** Seeds whose network predicts at most two classes. */
  readonly collapsed: number;
  /** Seeds whose trial failed. */
  readonly failed: number;
}

/** Where a series falls off. */
export interface SeriesCliff extends CliffReport {
  /** The series: a value on every axis but the budget. */
  readonly series: Point;
  /** Seeds that every budget of the series has. */
  readonly seeds: number;
}

/** A comparison at one place of the axes that it does not fix. */
export interface ComparedPoint extends PairedComparison {
  /** Of the comparison, as the experiment defines it. */
  readonly name: string;
  /** Values on the other axes. */
  readonly at: Point;
  /** What is compared. */
  readonly metric: MetricName;
  /** p-value of the equivalence test, where the experiment has a margin. */
  readonly equivalence?: number;
}

/**
 * Summarizes one point of the grid over its seeds.
 *
 * @param planned The point and its trials.
 * @param baseline The baseline and its trials, seeds in the same order.
 * @param metrics Names of what to summarize.
 * @param find Looks a trial up by its id.
 * @returns Means and intervals; a seed that failed is left out, of pairs on both sides.
 */
export function summarizeRow(
  planned: PlannedRow,
  baseline: PlannedRow,
  metrics: readonly MetricName[],
  find: (id: string) => TrialRecord | undefined,
): Row {
  const measured = (row: PlannedRow) =>
    row.trials.map(({ id }) => {
      const outcome = find(id)?.outcome;
      return outcome?.status === "done" ? outcome.metrics : undefined;
    });
  const own = measured(planned);
  const reference = measured(baseline);
  const done = own.filter((seed) => seed !== undefined);
  const summary: Partial<Record<MetricName, Interval>> = {};
  for (const name of metrics) {
    const values = done.map((seed) => seed[name]).filter((value) => value !== undefined);
    if (values.length > 0) summary[name] = meanInterval(values);
  }
  const losses = own.flatMap((seed, i) => {
    const float32 = reference[i];
    return seed && float32 ? [seed.testAccuracy - float32.testAccuracy] : [];
  });
  return {
    point: planned.point,
    metrics: own,
    summary,
    loss: meanInterval(losses),
    collapsed: done.filter(isCollapsed).length,
    failed: own.length - done.length,
  };
}

/**
 * Finds the cliff of every series.
 *
 * @param experiment Says which axis is the budget.
 * @param rows All points of the grid.
 * @param baseline The float32 row.
 * @returns One report a series; seeds that failed anywhere in a series are left out of it.
 */
export function findCliffs(
  experiment: Experiment,
  rows: readonly Row[],
  baseline: Row,
): SeriesCliff[] {
  const { axis, scale } = experiment.budget;
  return seriesOf(experiment).map((series) => {
    const members = rows.filter(({ point }) => point && matches(point, series));
    const complete = baseline.metrics.map((_, seed) => seed)
      .filter((seed) => [baseline, ...members].every(({ metrics }) => metrics[seed]));
    const accuracies = ({ metrics }: Row) => complete.map((seed) => metrics[seed]!.testAccuracy);
    const report = findCliff(
      members.map((row) => ({
        budget: Number(row.point![axis]),
        accuracies: accuracies(row),
        collapsed: row.collapsed,
      })),
      accuracies(baseline),
      scale,
    );
    return { series, seeds: complete.length, ...report };
  });
}

/**
 * Lists the series of an experiment: the points of the grid without the budget.
 *
 * @param experiment Any experiment.
 * @returns Every combination of values on the axes that are not the budget.
 */
export function seriesOf({ grid, budget }: Experiment): Point[] {
  return expandGrid(
    Object.fromEntries(Object.entries(grid).filter(([axis]) => axis !== budget.axis)),
  );
}

/**
 * Makes every comparison that an experiment asks for, seed by seed.
 *
 * @param experiment Says what to compare.
 * @param rows All points of the grid.
 * @returns Test accuracy of first minus second, at every place where both have been measured on at
 *   least one common seed.
 */
export function compareRows(experiment: Experiment, rows: readonly Row[]): ComparedPoint[] {
  return experiment.compare.flatMap(({ name, first, second }) => {
    const fixed = Object.keys(first);
    return rows.filter(({ point }) => point && matches(point, first)).flatMap((row) => {
      const at = withoutAxes(row.point!, fixed);
      const other = rows.find(({ point }) => point && matches(point, { ...at, ...second }));
      const pairs = row.metrics.flatMap((metrics, seed) => {
        const opposite = other?.metrics[seed];
        return metrics && opposite ? [[metrics.testAccuracy, opposite.testAccuracy]] : [];
      });
      if (pairs.length === 0) return [];
      const compared = comparePairs(pairs.map(([a]) => a), pairs.map(([, b]) => b));
      const { equivalenceMargin: margin } = experiment;
      const equivalence = margin === undefined
        ? {}
        : { equivalence: equivalenceTest(pairs.map(([a, b]) => a - b), margin) };
      return [{ name, at, metric: "testAccuracy" as const, ...compared, ...equivalence }];
    });
  });
}
