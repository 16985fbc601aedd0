import type { AxisValue } from "../define.ts";
import type { MetricName } from "../metrics.ts";

/** A metric over the budget or another one, a line a series, mean and 95 % interval, beside float32. */
export interface LineChartSpec {
  /** Tells the two kinds of chart apart. */
  readonly kind: "line";
  /** In snake_case; also the name of its files. */
  readonly name: string;
  /** In the picture. */
  readonly title: string;
  /** What is drawn. */
  readonly y: MetricName;
  /** What it is drawn over, its mean; the budget if left out. */
  readonly x?: MetricName;
  /** Marks the Pareto front of all points: small on the x axis, large on the y axis. */
  readonly marksFront?: true;
  /** Draws only these values of an axis; everything that is not named is drawn. */
  readonly where?: Readonly<Record<string, readonly AxisValue[]>>;
  /** Lowest value of the panel that shows the region around float32, in units of the chart. */
  readonly zoomFrom: number;
  /** Tolerated loss, a fraction, whose cliff is marked. */
  readonly markDelta: number;
}

/** Paired differences over the budget, mean and 95 % interval, with zero marked. */
export interface DifferenceChartSpec {
  /** Tells the two kinds of chart apart. */
  readonly kind: "difference";
  /** In snake_case; also the name of its files. */
  readonly name: string;
  /** In the picture. */
  readonly title: string;
  /** What is drawn. */
  readonly y: MetricName;
  /** Names of the comparisons to draw. */
  readonly comparisons: readonly string[];
  /** Half the range of the panel that shows the region around zero, in units of the chart. */
  readonly zoomWithin: number;
}

/** A chart of an experiment. */
export type ChartSpec = LineChartSpec | DifferenceChartSpec;

/**
 * Asks for a line chart.
 *
 * @param spec What to draw.
 * @returns The same, for the list of charts of an experiment.
 */
export function lineChart(spec: Omit<LineChartSpec, "kind">): LineChartSpec {
  return { kind: "line", ...spec };
}

/**
 * Asks for a chart of paired differences.
 *
 * @param spec What to draw.
 * @returns The same, for the list of charts of an experiment.
 */
export function differenceChart(spec: Omit<DifferenceChartSpec, "kind">): DifferenceChartSpec {
  return { kind: "difference", ...spec };
}
