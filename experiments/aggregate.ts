import { type CliffReport, findCliff } from "./cliff.ts";
import type { Experiment, Point } from "./define.ts";
import { equivalenceTest } from "./equivalence.ts";
import { expandGrid, matches, withoutAxes } from "./grid_points.ts";
import { holm } from "./holm.ts";
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
  /** Test accuracy minus that of the same seed's control, a fraction: the float32 network, mostly. */
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
  /** Both, adjusted for all comparisons of the experiment that have them. */
  readonly adjusted: { readonly pValue: number; readonly equivalence?: number };
}

/**
 * Summarizes one point of the grid over its seeds.
 *
 * @param planned The point and its trials.
 * @param control What it is compared with, seeds in the same order.
 * @param metrics Names of what to summarize.
 * @param find Looks a trial up by its id.
 * @returns Means and intervals; a seed that failed is left out, of pairs on both sides.
 */
export function summarizeRow(
  planned: PlannedRow,
  control: PlannedRow,
  metrics: readonly MetricName[],
  find: (id: string) => TrialRecord | undefined,
): Row {
  const measured = (row: PlannedRow) =>
    row.trials.map(({ id }) => {
      const outcome = find(id)?.outcome;
      return outcome?.status === "done" ? outcome.metrics : undefined;
    });
  const own = measured(planned);
  const reference = measured(control);
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
 * Finds the row that a point is compared with.
 *
 * @param experiment Names its control.
 * @param rows The baseline first, then the grid: planned or measured.
 * @param point On the grid, or nothing for the baseline.
 * @returns The float32 network that went through the same training, if the experiment has one, else the
 *   baseline.
 */
export function controlOf<Any extends { readonly point: Point | undefined }>(
  { control }: Experiment,
  rows: readonly Any[],
  point: Point | undefined,
): Any {
  const own = control && point &&
    rows.find((row) => row.point && matches(row.point, { ...point, ...control }));
  return own ?? rows[0];
}

/**
 * Finds the cliff of every series.
 *
 * @param experiment Says which axis is the budget.
 * @param rows All points of the grid.
 * @param baseline The float32 row.
 * @returns One report a series, but for controls, which are compared with nothing; seeds that failed
 *   anywhere in a series are left out of it.
 */
export function findCliffs(
  experiment: Experiment,
  rows: readonly Row[],
  baseline: Row,
): SeriesCliff[] {
  const { budget: { axis, scale }, control } = experiment;
  const isControl = (series: Point) => control !== undefined && matches(series, control);
  return seriesOf(experiment).filter((series) => !isControl(series)).map((series) => {
    const members = rows.filter(({ point }) => point && matches(point, series));
    const all = [baseline, ...rows];
    const controls = members.map(({ point }) => controlOf(experiment, all, point));
    const needed = [baseline, ...members, ...controls];
    const complete = baseline.metrics.map((_, seed) => seed)
      .filter((seed) => needed.every(({ metrics }) => metrics[seed]));
    const accuracies = ({ metrics }: Row) => complete.map((seed) => metrics[seed]!.testAccuracy);
    const report = findCliff(
      members.map((row, i) => ({
        budget: Number(row.point![axis]),
        accuracies: accuracies(row),
        control: accuracies(controls[i]),
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

/** Adjusts the p-values of each kind of test for how many there are. */
function withAdjusted(compared: readonly Omit<ComparedPoint, "adjusted">[]): ComparedPoint[] {
  const pValues = holm(compared.map(({ pValue }) => pValue));
  const tested = compared.filter(({ equivalence }) => equivalence !== undefined);
  const equivalences = holm(tested.map(({ equivalence }) => equivalence!));
  return compared.map((one, i) => {
    const place = tested.indexOf(one);
    const equivalence = place < 0 ? {} : { equivalence: equivalences[place] };
    return { ...one, adjusted: { pValue: pValues[i], ...equivalence } };
  });
}

/**
 * Makes every comparison that an experiment asks for, seed by seed.
 *
 * @param experiment Says what to compare.
 * @param rows All points of the grid.
 * @returns Test accuracy of first minus second, at every place where both have been measured on at
 *   least one common seed; p-values as they are and by Holm's adjustment over all of them.
 */
export function compareRows(experiment: Experiment, rows: readonly Row[]): ComparedPoint[] {
  const compared = experiment.compare.flatMap(({ name, first, second, where = {} }) => {
    const fixed = Object.keys(first);
    const isAsked = (point: Point) =>
      matches(point, first) &&
      Object.entries(where).every(([axis, values]) => values!.includes(point[axis]));
    return rows.filter(({ point }) => point && isAsked(point)).flatMap((row) => {
      const at = withoutAxes(row.point!, fixed);
      const other = rows.find(({ point }) => point && matches(point, { ...at, ...second }));
      const pairs = row.metrics.flatMap((metrics, seed) => {
        const opposite = other?.metrics[seed];
        return metrics && opposite ? [[metrics.testAccuracy, opposite.testAccuracy]] : [];
      });
      if (pairs.length === 0) return [];
      const pair = comparePairs(pairs.map(([a]) => a), pairs.map(([, b]) => b));
      const { equivalenceMargin: margin } = experiment;
      const equivalence = margin === undefined
        ? {}
        : { equivalence: equivalenceTest(pairs.map(([a, b]) => a - b), margin) };
      return [{ name, at, metric: "testAccuracy" as const, ...pair, ...equivalence }];
    });
  });
  return withAdjusted(compared);
}
