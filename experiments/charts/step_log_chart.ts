import { writeCsv } from "../csv.ts";
import type { AxisValue, Experiment, Point } from "../define.ts";
import { captionNetwork } from "../describe_network.ts";
import { expandGrid } from "../grid_points.ts";
import type { ExperimentResult } from "../runner.ts";
import { type LoggedStep, meanStretches, STRETCHES } from "../step_log.ts";
import { networkId } from "../trial.ts";
import { type ChartSeries, showValue } from "./chart_data.ts";
import { drawPanels, type OwnPanel } from "./draw_panels.ts";
import { roundTicks } from "./x_axis.ts";

/** A chart of what every step did to weights that are rounded while they are trained. */
export interface StepLogChartSpec {
  /** In snake_case; also the name of its files. */
  readonly name: string;
  /** In the picture. */
  readonly title: string;
  /** Draws the points with these values of every axis, a line each. */
  readonly where: Readonly<Record<string, readonly AxisValue[]>>;
}

/** A chart as files. */
export interface DrawnStepLogs {
  /** The numbers that are drawn. */
  readonly csv: string;
  /** The picture. */
  readonly png: Uint8Array;
}

/** A line in all panels: means over seeds and the steps of a stretch. */
interface Line {
  readonly label: string;
  readonly index: number;
  readonly seeds: number;
  readonly points: readonly LoggedStep[];
}

/** Words for what tells the lines apart. */
function labelOf(experiment: Experiment, { where }: StepLogChartSpec, point: Point): string {
  return Object.entries(point).filter(([axis]) => where[axis].length > 1)
    .map(([axis, value]) => showValue(experiment, axis, value)).join(", ");
}

/**
 * Draws what the steps of trainings did to rounded weights: updates lost, zeros and norm, side by side.
 *
 * @param result What was measured.
 * @param spec Which points to draw.
 * @param readLog Finds the log of a network by its id.
 * @returns The chart, or nothing if there is no log.
 */
export function drawStepLogs(
  result: ExperimentResult,
  spec: StepLogChartSpec,
  readLog: (networkId: string) => readonly LoggedStep[] | undefined,
): DrawnStepLogs | undefined {
  const { experiment } = result;
  const lines = expandGrid(spec.where).flatMap((point, index): Line[] => {
    const logs = Array.from(
      { length: experiment.seeds },
      (_, seed) => readLog(networkId(experiment.trial(point, seed))),
    ).filter((log) => log !== undefined && log.length > 0) as (readonly LoggedStep[])[];
    if (logs.length === 0) return [];
    const points = meanStretches(logs);
    return [{ label: labelOf(experiment, spec, point), index, seeds: logs.length, points }];
  });
  if (lines.length === 0) return undefined;
  const csv = writeCsv(
    ["series", "step", "updates_lost", "zero_weights", "weight_norm", "seeds"],
    lines.flatMap(({ label, seeds, points }) =>
      points.map(({ step, updatesLost, zeros, norm }) => [
        label,
        step,
        ...[updatesLost, zeros, norm].map((value) => Number(value.toPrecision(6))),
        seeds,
      ])
    ),
  );
  const caption = `${captionNetwork(experiment)} Means over ${lines[0].seeds} seeds and over ` +
    `${STRETCHES} stretches of the training.`;
  return {
    csv,
    png: drawPanels(spec.title, caption, panelsOf(lines), { legend: seriesOf(lines, () => 0) }),
  };
}

function seriesOf(lines: readonly Line[], value: (step: LoggedStep) => number): ChartSeries[] {
  return lines.map(({ label, index, seeds, points }) => ({
    label,
    index,
    points: points.map((step) => ({ x: step.step, y: value(step), seeds, collapsed: 0 })),
  }));
}

function panelsOf(lines: readonly Line[]): OwnPanel[] {
  const last = Math.max(...lines.map(({ points }) => points.at(-1)!.step));
  const panel = (yTitle: string, most: number, value: (step: LoggedStep) => number) => ({
    series: seriesOf(lines, value),
    options: {
      title: "",
      xTitle: "step",
      xUnit: undefined,
      xScale: "linear" as const,
      xTicks: roundTicks(0, last),
      xRange: [0, 1.03 * last] as const, // room for the last markers
      showX: (step: number) => step.toLocaleString("en"),
      yTitle,
      yMin: 0,
      yMax: most,
      markCliffs: false,
      isExact: true as const,
    },
  });
  const norms = lines.flatMap(({ points }) => points.map(({ norm }) => norm));
  return [
    panel("updates lost (%)", 105, ({ updatesLost }) => 100 * updatesLost),
    panel("weights that are 0 (%)", 105, ({ zeros }) => 100 * zeros),
    panel("norm of the weights", 1.05 * Math.max(...norms), ({ norm }) => norm),
  ];
}
