import { formatAdapterName } from "../../gpu/mod.ts";
import { createCanvas, type SKRSContext2D } from "@napi-rs/canvas";
import { captionNetwork, counted } from "../describe_network.ts";
import { METRIC_DISPLAY } from "../metrics.ts";
import type { ExperimentResult } from "../runner.ts";
import { type ChartData, chartData, type ChartSeries } from "./chart_data.ts";
import type { ChartSpec } from "./chart_spec.ts";
import { FONT_FAMILY, registerFonts } from "./fonts.ts";
import { FAINT_INK, INK, seriesStyle } from "./palette.ts";
import { drawMarker } from "./marker.ts";
import { drawPanel, FRONT_LABEL, PIXEL_RATIO } from "./panel.ts";
import type { PanelOptions } from "./panel_options.ts";
import { drawText, wrapText } from "./text.ts";
import { xAxisOf } from "./x_axis.ts";
import { zoomedRange } from "./zoomed_range.ts";

/** Layout of a chart, in layout pixels. */
const WIDTH = 1280;
const MARGIN = 24;
const PANEL_HEIGHT = 440;
const PANEL_TITLE = 22;
const LEGEND_LINE = 22;
const CAPTION_LINE = 18;

/** A chart as a file: what it shows and how it looks. */
export interface DrawnChart {
  /** The numbers that are drawn. */
  readonly data: ChartData;
  /** The picture as a file. */
  readonly png: Uint8Array;
}

/**
 * Draws a chart of an experiment: a panel over the full range and one around the reference line, a
 * legend, and a caption that says what the bars are and where the numbers come from.
 *
 * @param result What was measured.
 * @param spec The chart.
 * @returns The numbers that are drawn, and a PNG of 2560 pixels width.
 */
export function drawChart(result: ExperimentResult, spec: ChartSpec): DrawnChart {
  registerFonts();
  const data = chartData(result, spec);
  const measure = createCanvas(1, 1).getContext("2d");
  const legend = legendLines(measure, data);
  const caption = wrapText(measure, captionOf(result, spec, data), WIDTH - 2 * MARGIN, 12);

  const panelTop = MARGIN + 30 + legend.length * LEGEND_LINE + 12;
  const captionTop = panelTop + PANEL_TITLE + PANEL_HEIGHT + 22;
  const height = captionTop + caption.length * CAPTION_LINE + MARGIN / 2;
  const canvas = createCanvas(WIDTH * PIXEL_RATIO, height * PIXEL_RATIO);
  const context = canvas.getContext("2d");
  context.scale(PIXEL_RATIO, PIXEL_RATIO);
  context.fillStyle = "white";
  context.fillRect(0, 0, WIDTH, height);

  drawText(context, spec.title, MARGIN, MARGIN + 14, 18, INK, 600);
  legend.forEach((line, i) => {
    for (const { x, entry } of line) {
      drawEntry(context, entry, MARGIN + x, MARGIN + 42 + i * LEGEND_LINE);
    }
  });
  const panelWidth = (WIDTH - 2 * MARGIN - 16) / 2;
  panelsOf(result, spec, data).forEach((panel, i) => {
    const left = MARGIN + i * (panelWidth + 16);
    drawText(context, panel.title, left + 4, panelTop + 10, 13, INK, 600);
    const box = { left, top: panelTop + PANEL_TITLE, width: panelWidth, height: PANEL_HEIGHT };
    drawPanel(context, box, data, panel);
  });
  caption.forEach((line, i) =>
    drawText(context, line, MARGIN, captionTop + i * CAPTION_LINE, 12, FAINT_INK)
  );
  return { data, png: canvas.toBuffer("image/png") };
}

function panelsOf(
  { experiment }: ExperimentResult,
  spec: ChartSpec,
  data: ChartData,
): [PanelOptions, PanelOptions] {
  const display = METRIC_DISPLAY[spec.y];
  const base = xAxisOf(experiment, spec, data);
  if (spec.kind === "line") {
    const yTitle = display.unit ? `${display.label} (${display.unit})` : display.label;
    const { y } = data.reference;
    const tolerance = spec.markDelta * display.scale;
    const marksCliffs = spec.x === undefined;
    const tops = data.series.flatMap(({ points }) => points.map(({ y, upper = y }) => upper));
    return [
      { ...base, yTitle, title: "(a) full range", yMin: 0, yMax: 102, markCliffs: false },
      {
        ...base,
        yTitle,
        title: "(b) around float32" +
          (marksCliffs
            ? `: cliff = smallest budget that stays within ${tolerance} point` +
              (experiment.control === undefined ? "" : " of the control")
            : ""),
        ...zoomedRange(y, spec.zoomFrom, tops),
        markCliffs: marksCliffs,
        // where each point has a control of its own, there is no one line to stay above
        ...experiment.control === undefined && {
          tolerance: { y: y - tolerance, label: `float32 - ${tolerance} point` },
        },
      },
    ];
  }
  const yTitle = `difference of ${display.label} (${display.differenceUnit})`;
  const ends = data.series.flatMap(({ points }) =>
    points.flatMap(({ y, lower = y, upper = y }) => [lower, upper])
  );
  const step = (value: number) => Math.ceil(Math.max(1, value * 1.05) / 5) * 5;
  return [
    {
      ...base,
      yTitle,
      title: "(a) full range",
      yMin: -step(-Math.min(0, ...ends)),
      yMax: step(Math.max(0, ...ends)),
      markCliffs: false,
    },
    {
      ...base,
      yTitle,
      title: `(b) within ${counted(spec.zoomWithin, "point")} of zero`,
      yMin: -spec.zoomWithin,
      yMax: spec.zoomWithin,
      markCliffs: false,
    },
  ];
}

function captionOf(
  { experiment, runs }: ExperimentResult,
  spec: ChartSpec,
  data: ChartData,
): string {
  const { seeds, published } = experiment;
  const { digits, unit } = METRIC_DISPLAY[spec.y];
  const { y, lower, upper } = data.reference;
  const halfWidth = lower === undefined || upper === undefined
    ? ""
    : ` ± ${((upper - lower) / 2).toFixed(digits)}`;
  const distinct = (values: string[]) => [...new Set(values)].join(", ");
  return [
    captionNetwork(experiment),
    seeds > 1
      ? `Mean of ${seeds} seeds; bars${spec.kind === "line" ? " and band" : ""}: 95 % Student t ` +
        `interval${spec.kind === "line" ? "" : " of the difference, paired by seed"}.`
      : "One seed: no intervals.",
    spec.kind === "line" ? `Float32: ${y.toFixed(digits)}${halfWidth} ${unit}.` : "",
    data.published && published ? `Hollow, dashed: ${published.label} (${published.source}).` : "",
    `${distinct(runs.map((run) => formatAdapterName(run.adapter, run.software)))};`,
    `commit ${distinct(runs.map((run) => run.commit.slice(0, 12)))}.`,
  ].filter(Boolean).join(" ");
}

type Entry = {
  label: string;
  kind: "series" | "reference" | "published" | "front" | "collapsed";
  index: number;
};

function legendLines(
  context: SKRSContext2D,
  data: ChartData,
): { x: number; entry: Entry }[][] {
  const named = (kind: Entry["kind"]) => ({ label, index }: ChartSeries) => ({
    label,
    index,
    kind,
  });
  const isCollapsed = data.series.some(({ points }) => points.some(({ collapsed }) => collapsed));
  const hasFront = data.series.some(({ points }) => points.some(({ isOnFront }) => isOnFront));
  const entries: Entry[] = [
    ...data.series.map(named("series")),
    { label: data.reference.label, kind: "reference", index: -1 },
    ...data.published ? [named("published")(data.published)] : [],
    ...hasFront ? [{ label: FRONT_LABEL, kind: "front", index: -1 } as const] : [],
    ...isCollapsed
      ? [{ label: "collapsed: predicts at most 2 classes", kind: "collapsed", index: -1 } as const]
      : [],
  ];
  const lines: { x: number; entry: Entry }[][] = [[]];
  let x = 0;
  for (const entry of entries) {
    context.font = `13px "${FONT_FAMILY}"`;
    const width = 38 + context.measureText(entry.label).width + 24;
    if (x > 0 && x + width > WIDTH - 2 * MARGIN) {
      lines.push([]);
      x = 0;
    }
    lines.at(-1)!.push({ x, entry });
    x += width;
  }
  return lines;
}

function drawEntry(context: SKRSContext2D, entry: Entry, x: number, y: number): void {
  const style = entry.kind === "series"
    ? seriesStyle(entry.index)
    : { color: INK, marker: "circle" as const, hollow: true };
  drawMarker(context, {
    ...style,
    x,
    y: y - 4,
    line: entry.kind === "collapsed"
      ? "none"
      : entry.kind === "published" || entry.kind === "front"
      ? "dashed"
      : "solid",
    marker: entry.kind === "reference"
      ? undefined
      : entry.kind === "collapsed"
      ? "crossRot"
      : style.marker,
  });
  drawText(context, entry.label, x + 38, y, 13, INK);
}
