import { createCanvas, type SKRSContext2D } from "@napi-rs/canvas";
import {
  Chart,
  type ChartConfiguration,
  type ChartDataset,
  type ChartItem,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  PointElement,
  type ScaleOptions,
  ScatterController,
} from "chart.js";
import { PointWithErrorBar, ScatterWithErrorBarsController } from "chartjs-chart-error-bars";
import annotationPlugin from "chartjs-plugin-annotation";
import type { ChartSeries, PanelData } from "./chart_data.ts";
import { FONT_FAMILY } from "./fonts.ts";
import { cliffMarks, referenceMarks } from "./marks.ts";
import { GRID, INK, seriesStyle } from "./palette.ts";
import { type PanelOptions, showBudget } from "./panel_options.ts";

Chart.register(
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  PointElement,
  PointWithErrorBar,
  ScatterController,
  ScatterWithErrorBarsController,
  annotationPlugin,
);

/** Canvas pixels for one pixel of the layout. */
export const PIXEL_RATIO = 2;

/** In the legend. */
export const FRONT_LABEL = "Pareto front";

const TICK_FONT = { family: FONT_FAMILY, size: 12 };

type ErrorBarPoint = { x: number; y: number; yMin?: number; yMax?: number };
type Dataset = ChartDataset<"scatter", ErrorBarPoint[]>;

/** Share of the way to the next budget that series side by side may take. */
const WIDEST = 0.3;

/** Room to either side of a budget that is the only one. */
const HALF_A_STEP = 0.5;

/** Smallest distance of two budgets that series have points at. */
function smallestGap(series: readonly ChartSeries[]): number {
  const budgets = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))]
    .toSorted((a, b) => a - b);
  return Math.min(...budgets.slice(1).map((x, i) => x - budgets[i]));
}

/** Sets the series of one budget side by side, so that their bars do not cover each other. */
function dodged(
  x: number,
  place: number,
  series: readonly ChartSeries[],
  { xScale: scale, isExact }: PanelOptions,
): number {
  if (isExact) return x;
  const shift = place - (series.length - 1) / 2;
  if (scale === "log2") return x * 2 ** (0.035 * shift);
  return x + Math.min(0.08, WIDEST * smallestGap(series) / (series.length - 1)) * shift;
}

function lineOf(
  series: ChartSeries,
  place: number,
  all: readonly ChartSeries[],
  options: PanelOptions,
): Dataset {
  const { color, marker, hollow } = seriesStyle(series.index);
  return {
    label: series.label,
    data: series.points.map(({ x, y, lower, upper }) => ({
      x: dodged(x, place, all, options),
      y,
      yMin: lower,
      yMax: upper,
    })),
    showLine: !options.isScatter,
    borderColor: color,
    borderWidth: 1.75,
    backgroundColor: hollow ? "white" : color,
    pointStyle: marker,
    radius: 4,
    errorBarColor: color,
    errorBarWhiskerColor: color,
    errorBarLineWidth: 1.5,
    errorBarWhiskerLineWidth: 1.5,
    errorBarWhiskerSize: 8,
  } as Dataset;
}

function publishedLine(series: ChartSeries): Dataset {
  return {
    label: series.label,
    data: series.points.map(({ x, y }) => ({ x, y })),
    showLine: true,
    borderColor: INK,
    borderDash: [5, 4],
    borderWidth: 1.25,
    pointStyle: "circle",
    backgroundColor: "white",
    radius: 4,
  } as Dataset;
}

function collapsedMarks({ series }: PanelData, options: PanelOptions): Dataset {
  const points = series.flatMap(({ points }, place) =>
    points.filter(({ collapsed }) => collapsed > 0)
      .map(({ x, y }) => ({ x: dodged(x, place, series, options), y }))
  );
  return {
    label: "collapsed",
    data: points,
    pointStyle: "crossRot",
    borderColor: INK,
    borderWidth: 1.5,
    radius: 8,
  } as Dataset;
}

/** The points that nothing is smaller and better than, joined behind all series. */
function frontLine({ series }: PanelData, options: PanelOptions): Dataset[] {
  const points = series.flatMap(({ points }, place) =>
    points.filter(({ isOnFront }) => isOnFront)
      .map(({ x, y }) => ({ x: dodged(x, place, series, options), y }))
  ).sort((a, b) => a.x - b.x);
  if (points.length === 0) return [];
  return [{
    label: FRONT_LABEL,
    data: points,
    showLine: true,
    borderColor: INK,
    borderDash: [2, 3],
    borderWidth: 1,
    pointStyle: "circle",
    pointBorderWidth: 1.5,
    backgroundColor: "transparent",
    radius: 8,
  } as unknown as Dataset];
}

function xAxis(data: PanelData, options: PanelOptions): ScaleOptions {
  const published = data.published?.points.map(({ x }) => x) ?? [];
  const values = [...data.series.flatMap(({ points }) => points.map(({ x }) => x)), ...published];
  const drawn = data.series.flatMap(({ points }, place) =>
    points.map(({ x }) => dodged(x, place, data.series, options))
  );
  const low = Math.min(...drawn, ...published);
  const high = Math.max(...drawn, ...published);
  const log = options.xScale === "log2";
  const ticks = options.xTicks ??
    (log
      ? [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1].filter((tick) =>
        tick >= Math.min(...values) && tick <= Math.max(...values)
      )
      : [...new Set(values)].sort((a, b) => a - b));
  // series of a single budget stay near its tick
  const least = new Set(values).size > 1 ? 0 : HALF_A_STEP - (high - low) / 2;
  const margin = log ? 1.15 : Math.max((high - low) / 40, least);
  return {
    type: log ? "logarithmic" : "linear",
    min: options.xRange?.[0] ?? (log ? low / margin : low - margin),
    max: options.xRange?.[1] ?? (log ? high * margin : high + margin),
    title: {
      display: true,
      text: options.xTitle,
      color: INK,
      font: { family: FONT_FAMILY, size: 13 },
    },
    grid: { color: GRID, tickColor: INK, tickLength: 5 },
    border: { color: INK },
    ticks: {
      color: INK,
      font: TICK_FONT,
      autoSkip: false,
      minRotation: options.xSlant ?? 0,
      maxRotation: options.xSlant ?? 0,
      callback: (value: string | number) =>
        options.showX?.(Number(value)) ?? showBudget(Number(value), options.xScale),
    },
    afterBuildTicks: (axis: { ticks: { value: number }[] }) => {
      axis.ticks = ticks.map((value) => ({ value }));
    },
  } as ScaleOptions;
}

/** Where a panel goes, in layout pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Draws one panel: series with error bars, the reference line with its band, cliffs, axes.
 *
 * @param target To draw into, already scaled by {@link PIXEL_RATIO}.
 * @param box Where, in layout pixels.
 * @param data What to draw.
 * @param options Titles and ranges.
 */
export function drawPanel(
  target: SKRSContext2D,
  { left, top, width, height }: Box,
  data: PanelData,
  options: PanelOptions,
): void {
  const canvas = createCanvas(width, height);
  const config = {
    type: "scatterWithErrorBars",
    data: {
      datasets: [
        collapsedMarks(data, options),
        ...frontLine(data, options),
        ...data.series.map((one, i, all) => lineOf(one, i, all, options)),
        ...data.published ? [publishedLine(data.published)] : [],
      ],
    },
    options: {
      responsive: false,
      animation: false,
      devicePixelRatio: PIXEL_RATIO,
      font: { family: FONT_FAMILY, size: 12 },
      color: INK,
      layout: { padding: { right: 12 } },
      scales: {
        x: xAxis(data, options),
        y: {
          min: options.yMin,
          max: options.yMax,
          title: {
            display: true,
            text: options.yTitle,
            color: INK,
            font: { family: FONT_FAMILY, size: 13 },
          },
          grid: { color: GRID, tickColor: INK, tickLength: 5 },
          border: { color: INK },
          ticks: { color: INK, font: TICK_FONT, includeBounds: false },
        },
      },
      plugins: {
        legend: { display: false },
        tooltip: { enabled: false },
        annotation: {
          annotations: {
            ...referenceMarks(data, options),
            ...options.markCliffs ? cliffMarks(data, options) : {},
          },
        },
      },
    },
    plugins: [{
      id: "paper",
      beforeDraw: ({ ctx }: { ctx: SKRSContext2D }) => {
        ctx.save();
        ctx.fillStyle = "white";
        ctx.fillRect(0, 0, width, height);
        ctx.restore();
      },
    }],
  };
  // Chart.js takes a browser's context; skia's has the same methods under another type.
  const item = canvas.getContext("2d") as unknown as ChartItem;
  const chart = new Chart(item, config as unknown as ChartConfiguration);
  target.drawImage(canvas, left, top, width, height);
  chart.destroy();
}
