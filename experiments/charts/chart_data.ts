import { paretoFront } from "../../compression/mod.ts";
import { type Row, seriesOf } from "../aggregate.ts";
import type { AxisValue, Experiment, Point } from "../define.ts";
import { matches, withoutAxes } from "../grid_points.ts";
import { METRIC_DISPLAY, type MetricName } from "../metrics.ts";
import type { ExperimentResult } from "../runner.ts";
import type { Interval } from "../statistics.ts";
import type { ChartSpec, DifferenceChartSpec, LineChartSpec } from "./chart_spec.ts";
import { wastesColors } from "./palette.ts";

/** A point of a chart, in the units that are shown. */
export interface ChartPoint {
  /** The budget. */
  readonly x: number;
  /** Mean over seeds. */
  readonly y: number;
  /** Bounds of the 95 % interval; absent for a single seed. */
  readonly lower?: number;
  /** Upper bound of the interval; absent for a single seed. */
  readonly upper?: number;
  /** Seeds that the mean is of. */
  readonly seeds: number;
  /** Seeds whose network has collapsed. */
  readonly collapsed: number;
  /** True if no other point is smaller and better, where the front is marked. */
  readonly isOnFront?: true;
}

/** A line of a chart. */
export interface ChartSeries {
  /** In the legend. */
  readonly label: string;
  /** Decides how it looks. */
  readonly index: number;
  /** Budgets ascending. */
  readonly points: readonly ChartPoint[];
  /** Budget of the cliff that is marked. */
  readonly cliff?: number;
}

/** The line that everything in a chart is compared with. */
export interface ReferenceLine {
  /** In the legend. */
  readonly label: string;
  /** In the units of the chart. */
  readonly y: number;
  /** Lower bound of the 95 % interval; absent for a single seed. */
  readonly lower?: number;
  /** Upper bound of the interval; absent for a single seed. */
  readonly upper?: number;
}

/** What one panel shows. */
export interface PanelData {
  /** Lines, in the order of the legend. */
  readonly series: readonly ChartSeries[];
  /** The float32 network, or zero for differences; there may be none. */
  readonly reference?: ReferenceLine;
  /** Figures of somebody else. */
  readonly published?: ChartSeries;
}

/** All that a chart shows, and the CSV beside it says. */
export interface ChartData extends PanelData {
  /** The float32 network, or zero for differences. */
  readonly reference: ReferenceLine;
}

/**
 * Shows a value of an axis in words.
 *
 * @param experiment Has the words.
 * @param axis Name of the axis.
 * @param value On that axis.
 * @returns Such as `per channel`.
 */
export function showValue(experiment: Experiment, axis: string, value: AxisValue): string {
  return experiment.axes[axis].values?.[String(value)] ?? String(value);
}

/**
 * Shows a series in words.
 *
 * @param experiment Has the words.
 * @param series A value on every axis but the budget.
 * @returns Such as `per channel, weights`.
 */
export function showSeries(experiment: Experiment, series: Point): string {
  return Object.entries(series).map(([axis, value]) => showValue(experiment, axis, value))
    .join(", ");
}

/** Shows series of one chart: in the words of what they differ in, or in all where that is nothing. */
function labelsOf(experiment: Experiment, all: readonly Point[]): string[] {
  const same = Object.keys(all[0] ?? {}).filter((axis) =>
    all.every((one) => one[axis] === all[0][axis])
  );
  return all.map((one) => showSeries(experiment, all.length === 1 ? one : withoutAxes(one, same)));
}

function scaled(interval: Interval, scale: number): Omit<ChartPoint, "x" | "collapsed"> {
  const { n, mean, lower, upper } = interval;
  const bounds = n > 1 ? { lower: lower * scale, upper: upper * scale } : {};
  return { y: mean * scale, seeds: n, ...bounds };
}

/**
 * Takes from a result what one chart shows.
 *
 * @param result What was measured.
 * @param spec The chart.
 * @returns Its series, budgets ascending, and its reference line, in the units that are shown.
 */
export function chartData(result: ExperimentResult, spec: ChartSpec): ChartData {
  return spec.kind === "line" ? lineData(result, spec) : differenceData(result, spec);
}

function lineData(result: ExperimentResult, spec: LineChartSpec): ChartData {
  const { experiment, rows, cliffs, baseline } = result;
  const { axis } = experiment.budget;
  const { scale } = METRIC_DISPLAY[spec.y];
  const { [axis]: budgets, ...where } = spec.where ?? {};
  const shown = (series: Point) =>
    Object.entries(where).every(([name, values]) => values.includes(series[name]));
  const drawn = ({ point }: Row) => budgets === undefined || budgets.includes(point![axis]);
  const chosen = seriesOf(experiment).map((point, index) => ({ point, index }))
    .filter(({ point }) => shown(point));
  const isCrowded = wastesColors(chosen.map(({ index }) => index));
  const labels = labelsOf(experiment, chosen.map(({ point }) => point));
  const series = chosen
    .map(({ point, index }, place): ChartSeries => ({
      label: labels[place],
      index: isCrowded ? place : index,
      points: rows.filter((row) => row.point && matches(row.point, point) && drawn(row)).flatMap(
        (row) => {
          const interval = row.summary[spec.y];
          const x = placeOf(row, axis, spec.x);
          return interval && x !== undefined
            ? [{ x, collapsed: row.collapsed, ...scaled(interval, scale) }]
            : [];
        },
      ).sort((a, b) => a.x - b.x),
      // a cliff is a budget
      cliff: spec.y === "testAccuracy" && spec.x === undefined
        ? cliffs.find((report) => matches(report.series, point))
          ?.cliffs.find(({ delta }) => delta === spec.markDelta)?.budget
        : undefined,
    }));
  const reference = baseline.summary[spec.y];
  const { published } = experiment;
  const drawsComparable = published && spec.x === undefined && spec.y === "testAccuracy" &&
    seriesOf(experiment).some((point) => shown(point) && matches(point, published.comparable));
  return {
    series: spec.marksFront ? withFront(series) : series,
    reference: { label: "float32", ...(reference ? scaled(reference, scale) : { y: NaN }) },
    published: drawsComparable
      ? {
        label: published.label,
        index: -1,
        points: published.points.map(({ budget, testAccuracy }) => ({
          x: budget,
          y: testAccuracy * scale,
          seeds: 1,
          collapsed: 0,
        })),
      }
      : undefined,
  };
}

/** Where a row stands on the x axis, if it was measured there. */
function placeOf(row: Row, axis: string, metric: MetricName | undefined): number | undefined {
  if (metric === undefined) return Number(row.point![axis]);
  const mean = row.summary[metric]?.mean;
  return mean === undefined ? undefined : mean * METRIC_DISPLAY[metric].scale;
}

/** Marks the points of all series that no other one is smaller and better than. */
function withFront(series: readonly ChartSeries[]): ChartSeries[] {
  const all = series.flatMap(({ points }) => points);
  const front = new Set(paretoFront(all, ({ x }) => x, ({ y }) => y));
  return series.map((one) => ({
    ...one,
    points: one.points.map((point) => front.has(point) ? { ...point, isOnFront: true } : point),
  }));
}

function differenceData(result: ExperimentResult, spec: DifferenceChartSpec): ChartData {
  const { experiment, comparisons } = result;
  const { axis } = experiment.budget;
  const { scale } = METRIC_DISPLAY[spec.y];
  const series = spec.comparisons.flatMap((name) => {
    const points = comparisons.filter((compared) => compared.name === name);
    const elsewhere = new Map(points.map(({ at }) => {
      const other = withoutAxes(at, [axis]);
      return [JSON.stringify(other), other];
    }));
    const others = [...elsewhere.values()];
    const labels = labelsOf(experiment, others);
    return others.map((other, i) => ({
      label: [name, labels[i]].filter(Boolean).join(", "),
      points: points.filter(({ at }) => matches(at, other)).map(({ at, difference }) => ({
        x: Number(at[axis]),
        collapsed: 0,
        ...scaled(difference, scale),
      })).sort((a, b) => a.x - b.x),
    }));
  });
  return {
    series: series.map((one, index) => ({ ...one, index })),
    reference: { label: "no difference", y: 0 },
  };
}
