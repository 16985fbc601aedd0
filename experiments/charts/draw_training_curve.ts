import { createCanvas } from "@napi-rs/canvas";
import type { ChartSeries } from "./chart_data.ts";
import { registerFonts } from "./fonts.ts";
import { drawMarker } from "./marker.ts";
import { FAINT_INK, INK, seriesStyle } from "./palette.ts";
import { drawPanel, PIXEL_RATIO } from "./panel.ts";
import type { PanelOptions } from "./panel_options.ts";
import { drawText, wrapText } from "./text.ts";

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

/** Layout, in layout pixels. */
const WIDTH = 1280;
const MARGIN = 24;
const GAP = 16;
const PANEL_TOP = MARGIN + 44;
const PANEL_HEIGHT = 400;
const CAPTION_TOP = PANEL_TOP + PANEL_HEIGHT + 22;
const CAPTION_LINE = 18;
/** Most ticks on the axis of epochs. */
const MOST_TICKS = 12;

interface CurvePanel {
  readonly series: readonly ChartSeries[];
  readonly options: PanelOptions;
}

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
  registerFonts();
  const measure = createCanvas(1, 1).getContext("2d");
  const lines = wrapText(measure, caption, WIDTH - 2 * MARGIN, 12);
  const height = CAPTION_TOP + lines.length * CAPTION_LINE + MARGIN / 2;
  const canvas = createCanvas(WIDTH * PIXEL_RATIO, height * PIXEL_RATIO);
  const context = canvas.getContext("2d");
  context.scale(PIXEL_RATIO, PIXEL_RATIO);
  context.fillStyle = "white";
  context.fillRect(0, 0, WIDTH, height);
  drawText(context, title, MARGIN, MARGIN + 10, 18, INK, 600);
  const panels = panelsOf(points);
  const width = (WIDTH - 2 * MARGIN + GAP) / panels.length - GAP;
  panels.forEach(({ series, options }, i) => {
    const left = MARGIN + i * (width + GAP);
    let x = left + 4;
    for (const { label, index } of series) {
      drawMarker(context, { ...seriesStyle(index), x, y: PANEL_TOP - 12, line: "solid" });
      drawText(context, label, x + 38, PANEL_TOP - 8, 13, INK);
      x += 38 + context.measureText(label).width + 24;
    }
    drawPanel(context, { left, top: PANEL_TOP, width, height: PANEL_HEIGHT }, { series }, options);
  });
  lines.forEach((line, i) =>
    drawText(context, line, MARGIN, CAPTION_TOP + i * CAPTION_LINE, 12, FAINT_INK)
  );
  return canvas.toBuffer("image/png");
}

function panelsOf(points: readonly EpochPoint[]): CurvePanel[] {
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
