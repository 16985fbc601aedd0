import { showSeries } from "./charts/chart_data.ts";
import { showBudget } from "./charts/panel_options.ts";
import type { Cliff } from "./cliff.ts";
import type { Experiment } from "./define.ts";
import { METRIC_DISPLAY, type MetricName } from "./metrics.ts";
import type { Interval } from "./statistics.ts";
import type { SeriesCliff } from "./aggregate.ts";

/**
 * Writes a mean with its interval in the unit that is shown.
 *
 * @param interval In the stored unit; absent where nothing was measured.
 * @param metric What it is of.
 * @param sign True to write a plus sign: for differences.
 * @returns Such as `97.71 ± 0.08`; the mean alone for one seed, `-` where there is none.
 */
export function showInterval(
  interval: Interval | undefined,
  metric: MetricName,
  sign: boolean = false,
): string {
  if (!interval || interval.n === 0) return "-";
  const { scale, digits } = METRIC_DISPLAY[metric];
  const mean = (interval.mean * scale).toFixed(digits);
  // -0.00 says nothing that 0.00 does not.
  const plain = Number(mean) === 0 ? mean.replace("-", "") : mean;
  const signed = sign && Number(mean) > 0 ? `+${plain}` : plain;
  if (interval.n === 1) return signed;
  return `${signed} ± ${(interval.halfWidth * scale).toFixed(digits)}`;
}

/**
 * Writes a budget with its unit, or in words where it has some.
 *
 * @param experiment Says which axis is the budget.
 * @param budget On that axis.
 * @returns Such as `5 bits` or `10 %`.
 */
export function showBudgetOf(experiment: Experiment, budget: number): string {
  const { axis, scale } = experiment.budget;
  const { unit, values } = experiment.axes[axis];
  return values?.[String(budget)] ?? showBudget(budget, scale, unit);
}

/**
 * Writes where a series falls off for one tolerated loss.
 *
 * @param experiment Says which axis is the budget.
 * @param cliff From a cliff report.
 * @returns Such as `5 bits`, or `none` if no budget is safe.
 */
function showCliff(experiment: Experiment, { budget }: Cliff): string {
  return budget === undefined ? "none" : showBudgetOf(experiment, budget);
}

/**
 * Writes the knee of a series.
 *
 * @param experiment Says which axis is the budget.
 * @param series Its cliff report.
 * @returns Such as `3.4 [3.3, 3.6] bits`; `-` if there are too few points.
 */
function showKnee(experiment: Experiment, { knee }: SeriesCliff): string {
  if (!knee) return "-";
  const { axis, scale } = experiment.budget;
  const show = (value: number) => (scale === "log2" ? value * 100 : value).toPrecision(3);
  const interval = knee.interval
    ? ` [${show(knee.interval.lower)}, ${show(knee.interval.upper)}]`
    : "";
  const { unit } = experiment.axes[axis];
  const shownUnit = scale === "log2" ? "%" : unit === undefined ? "" : `${unit}s`;
  return `${show(knee.budget)}${interval} ${shownUnit}`.trim();
}

/**
 * Writes the header and cells of the cliff table, for the terminal and the report alike.
 *
 * @param experiment The experiment.
 * @param cliffs One report a series.
 * @returns Header and rows.
 */
export function cliffTable(
  experiment: Experiment,
  cliffs: readonly SeriesCliff[],
): { readonly header: string[]; readonly rows: string[][] } {
  const deltas = cliffs[0]?.cliffs.map(({ delta }) => delta) ?? [];
  return {
    header: [
      "series",
      ...deltas.map((delta) => `within ${delta * 100} point`),
      "knee [95 %]",
      "collapsed at",
    ],
    rows: cliffs.map((series) => [
      showSeries(experiment, series.series) || experiment.name,
      ...series.cliffs.map((cliff) =>
        series.seeds === 1 ? "one seed" : showCliff(experiment, cliff)
      ),
      showKnee(experiment, series),
      series.collapsed.map((budget) => showBudgetOf(experiment, budget)).join(", ") || "-",
    ]),
  };
}
