import type { ChartData, ChartSeries } from "./charts/chart_data.ts";
import { writeCsv } from "./csv.ts";
import type { MetricName } from "./metrics.ts";
import { planTrials } from "./plan.ts";
import type { ExperimentResult } from "./runner.ts";
import { shortId } from "./trial.ts";

/**
 * Writes every trial of an experiment as a row, in stored units (accuracies as fractions).
 *
 * @param result What was measured.
 * @returns CSV with the columns id, one an axis (empty for float32), seed, status, one a metric,
 *   seconds. Commit and adapter are in `results.json`.
 */
export function resultsCsv({ experiment, trials }: ExperimentResult): string {
  const byId = new Map(trials.map((record) => [record.id, record]));
  const axes = Object.keys(experiment.grid);
  const metrics: readonly MetricName[] = experiment.metrics;
  const rows = planTrials(experiment).rows.flatMap(({ point, trials: planned }) =>
    planned.flatMap(({ id, trial }) => {
      const outcome = byId.get(id)?.outcome;
      if (!outcome) return [];
      return [[
        shortId(id),
        ...axes.map((axis) => point?.[axis]),
        trial.seed,
        outcome.status,
        ...metrics.map((name) => outcome.status === "done" ? outcome.metrics[name] : undefined),
        outcome.seconds,
      ]];
    })
  );
  return writeCsv(["id", ...axes, "seed", "status", ...metrics, "seconds"], rows);
}

/**
 * Writes the numbers that a chart shows.
 *
 * @param data From `chartData`.
 * @returns CSV with one row a point, in the units of the chart, whether it is on the Pareto front where
 *   that is marked; the reference line has no budget.
 */
export function chartCsv({ series, reference, published }: ChartData): string {
  const hasFront = series.some(({ points }) => points.some(({ isOnFront }) => isOnFront));
  const lines = (one: ChartSeries) =>
    one.points.map(({ x, y, lower, upper, seeds, collapsed, isOnFront }) => [
      one.label,
      x,
      y,
      lower,
      upper,
      seeds,
      collapsed,
      one.cliff === x ? "yes" : undefined,
      ...hasFront ? [isOnFront ? "yes" : undefined] : [],
    ]);
  return writeCsv(
    [
      "series",
      "budget",
      "mean",
      "lower95",
      "upper95",
      "seeds",
      "collapsed",
      "cliff",
      ...hasFront ? ["front"] : [],
    ],
    [
      ...series.flatMap(lines),
      ...published ? lines(published) : [],
      [
        reference.label,
        undefined,
        reference.y,
        reference.lower,
        reference.upper,
        undefined,
        undefined,
        undefined,
        ...hasFront ? [undefined] : [],
      ],
    ],
  );
}
