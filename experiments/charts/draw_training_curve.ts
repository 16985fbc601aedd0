import type { ChartSeries } from "./chart_data.ts";
import { drawPanels, type OwnPanel } from "./draw_panels.ts";

/** What is known after one epoch of a training. */
export interface EpochPoint {
  /** Counted from 1. */
  readonly epoch: number;
  /** Mean over the steps of the epoch, in nats. */
  readonly trainingLoss: number;
  /** On images that are held out, in nats; absent if there are none. */
  readonly validationLoss?: number;
  /** Share of the images held out that are classified right; absent if there are none. */
  readonly validationAccuracy?: number;
}

/** Most ticks on the axis of epochs. */
const MOST_TICKS = 12;

/**
 * Draws how a training went: the loss by epoch and, where images were held out, the accuracy on them.
 *
 * @param title What was trained on what.
 * @param caption How, in sentences.
 * @param points One an epoch, at least one.
 * @returns A PNG of 2560 pixels width.
 */
export function drawTrainingCurve(
  title: string,
  caption: string,
  points: readonly EpochPoint[],
): Uint8Array {
  return drawPanels(title, caption, panelsOf(points));
}

function panelsOf(points: readonly EpochPoint[]): OwnPanel[] {
  const seriesOf = (label: string, index: number, y: (point: EpochPoint) => number | undefined) => {
    const known = points.flatMap((point) => {
      const value = y(point);
      return value === undefined ? [] : [{ x: point.epoch, y: value, seeds: 1, collapsed: 0 }];
    });
    return known.length === 0 ? [] : [{ label, index, points: known }];
  };
  const losses = [
    ...seriesOf("training loss", 0, ({ trainingLoss }) => trainingLoss),
    ...seriesOf("validation loss", 1, ({ validationLoss }) => validationLoss),
  ];
  const accuracies = seriesOf(
    "validation accuracy",
    2,
    ({ validationAccuracy: share }) => share && 100 * share,
  );
  const base = {
    title: "",
    xTitle: "epoch",
    xUnit: undefined,
    xScale: "linear",
    xTicks: epochTicks(points),
    markCliffs: false,
    isExact: true,
  } as const;
  const most = Math.max(...valuesOf(losses));
  return [
    { series: losses, options: { ...base, yTitle: "loss (nats)", yMin: 0, yMax: 1.05 * most } },
    {
      series: accuracies,
      options: { ...base, yTitle: "accuracy (%)", ...accuracyRange(valuesOf(accuracies)) },
    },
  ].filter(({ series }) => series.length > 0);
}

function valuesOf(series: readonly ChartSeries[]): number[] {
  return series.flatMap(({ points }) => points.map(({ y }) => y));
}

/** Whole steps of 5 points around all values, no wider than 0 to 100. */
function accuracyRange(values: readonly number[]): { yMin: number; yMax: number } {
  const yMin = Math.max(0, 5 * Math.floor((Math.min(...values) - 1) / 5));
  const yMax = Math.min(100, 5 * Math.ceil((Math.max(...values) + 1) / 5));
  return { yMin, yMax };
}

/** Whole steps of 1, 2 or 5 times a power of ten, as few as fit. */
function epochTicks(points: readonly EpochPoint[]): number[] {
  const [first, last] = [points[0].epoch, points.at(-1)!.epoch];
  let step = 1;
  for (let i = 0; (last - first) / step >= MOST_TICKS; i++) step *= [2, 2.5, 2][i % 3];
  const ticks = points.map(({ epoch }) => epoch).filter((epoch) => epoch % step === 0);
  return ticks.length > 0 ? ticks : [first];
}
