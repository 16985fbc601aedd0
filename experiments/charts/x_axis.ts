import type { Experiment } from "../define.ts";
import { METRIC_DISPLAY } from "../metrics.ts";
import type { ChartData } from "./chart_data.ts";
import type { ChartSpec } from "./chart_spec.ts";
import type { PanelOptions } from "./panel_options.ts";

/** What of a panel's options is of its x axis. */
export type XAxisOptions = Pick<
  PanelOptions,
  "xTitle" | "xScale" | "xUnit" | "xTicks" | "xRange" | "showX" | "isExact"
>;

/** About as many ticks as fit with numbers of six digits. */
const TICKS = 8;

/**
 * Finds round numbers for the ticks of an axis.
 *
 * @param low The smallest value that is drawn.
 * @param high The largest.
 * @returns Multiples of 1, 2 or 5 times a power of ten within the two, ascending.
 */
export function roundTicks(low: number, high: number): number[] {
  if (!(high > low)) return [low];
  const least = (high - low) / TICKS;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= least)!;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

/**
 * Chooses the x axis of a chart: its budget, or a metric that was measured.
 *
 * @param experiment Has the words for the budget.
 * @param spec The chart.
 * @param data What is drawn.
 * @returns Title, ticks and spacing.
 */
export function xAxisOf(experiment: Experiment, spec: ChartSpec, data: ChartData): XAxisOptions {
  if (spec.kind === "line" && spec.x !== undefined) {
    const { label, unit } = METRIC_DISPLAY[spec.x];
    const values = data.series.flatMap(({ points }) => points.map(({ x }) => x));
    const low = values.reduce((a, b) => Math.min(a, b), Infinity);
    const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
    return {
      xTitle: unit === "" ? label : `${label} (${unit})`,
      xScale: "linear",
      xUnit: undefined,
      xTicks: roundTicks(low, high),
      showX: (value) => value.toLocaleString("en"),
      // where nothing was measured there are axes all the same
      ...values.length === 0 && { xTicks: [], xRange: [0, 1] as const },
      isExact: true,
    };
  }
  const { axis, scale } = experiment.budget;
  const { label, unit } = experiment.axes[axis];
  const xTitle = `${label}${scale === "log2" ? " (%, log scale)" : ""}`;
  return { xTitle, xScale: scale, xUnit: unit };
}
