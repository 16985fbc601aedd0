import { createCanvas } from "@napi-rs/canvas";
import { planRungs, showHyperparameter } from "../search_space.ts";
import type { SearchedTrial, SearchResult } from "../successive_halving.ts";
import type { ChartSeries } from "./chart_data.ts";
import { registerFonts } from "./fonts.ts";
import { drawMarker } from "./marker.ts";
import { FAINT_INK, INK, seriesStyle } from "./palette.ts";
import { drawPanel, PIXEL_RATIO } from "./panel.ts";
import type { PanelOptions } from "./panel_options.ts";
import { drawText, wrapText } from "./text.ts";

/** Layout, in layout pixels. */
const WIDTH = 1280;
const MARGIN = 24;
const GAP = 16;
const PANEL_TOP = MARGIN + 56;
const PANEL_HEIGHT = 330;
const CAPTION_LINE = 18;
const COLUMNS = 2;

/**
 * Draws a search as scatter plots: accuracy on the images held out over each hyper-parameter, one kind
 * of point a rung.
 *
 * @param result What was found.
 * @returns A PNG of 2560 pixels width.
 */
export function drawSearch(result: SearchResult): Uint8Array {
  registerFonts();
  const { search } = result;
  const panels = Object.keys(search.space).map((name) => panelOf(result, name));
  const rows = Math.ceil(panels.length / COLUMNS);
  const captionTop = PANEL_TOP + rows * (PANEL_HEIGHT + GAP) + 12;
  const measure = createCanvas(1, 1).getContext("2d");
  const caption = wrapText(measure, captionOf(result), WIDTH - 2 * MARGIN, 12);
  const height = captionTop + caption.length * CAPTION_LINE + MARGIN / 2;
  const canvas = createCanvas(WIDTH * PIXEL_RATIO, height * PIXEL_RATIO);
  const context = canvas.getContext("2d");
  context.scale(PIXEL_RATIO, PIXEL_RATIO);
  context.fillStyle = "white";
  context.fillRect(0, 0, WIDTH, height);
  drawText(
    context,
    "Successive halving: validation accuracy over each hyper-parameter",
    MARGIN,
    MARGIN + 10,
    18,
    INK,
    600,
  );
  let x = MARGIN;
  planRungs(search).forEach((rung, index) => {
    const label = rungLabel(rung);
    drawMarker(context, { ...seriesStyle(index), x, y: MARGIN + 34, line: "none" });
    drawText(context, label, x + 30, MARGIN + 38, 13, INK);
    x += 30 + context.measureText(label).width + 24;
  });
  const width = (WIDTH - 2 * MARGIN - GAP) / COLUMNS;
  panels.forEach(({ series, options }, i) => {
    const left = MARGIN + (i % COLUMNS) * (width + GAP);
    const top = PANEL_TOP + Math.floor(i / COLUMNS) * (PANEL_HEIGHT + GAP);
    drawPanel(context, { left, top, width, height: PANEL_HEIGHT }, { series }, options);
  });
  caption.forEach((line, i) =>
    drawText(context, line, MARGIN, captionTop + i * CAPTION_LINE, 12, FAINT_INK)
  );
  return canvas.toBuffer("image/png");
}

function rungLabel({ count, epochs }: { count: number; epochs: number }): string {
  return `${count} after ${epochs} epoch${epochs === 1 ? "" : "s"}`;
}

function captionOf({ search, runs, best, trials }: SearchResult): string {
  const distinct = (values: string[]) => [...new Set(values)].join(", ");
  const { dataset } = search.trial({ ...best?.configuration }, 1, search.seed).data;
  const shown = Object.entries(best?.configuration ?? {})
    .map(([name, value]) => `${name} ${showHyperparameter(value)}`).join(", ");
  const accuracies = trials.flatMap(({ metrics }) => metrics ? [metrics.testAccuracy] : []);
  const below = accuracies.filter((share) => 100 * share < accuracyRange(trials).yMin).length;
  return [
    `${dataset}, validation images; one seed, no intervals; trainings that failed are left out.`,
    below > 0 ? `${below} of ${accuracies.length} lie below the panels.` : "",
    best ? `Best: ${shown}.` : "",
    `${distinct(runs.map((run) => run.adapter + (run.software ? " (software adapter)" : "")))};`,
    `commit ${distinct(runs.map((run) => run.commit.slice(0, 12)))}.`,
  ].filter(Boolean).join(" ");
}

/** Even steps: decades of a range, or one for each of a few values. */
function panelOf(
  { search, trials }: SearchResult,
  name: string,
): { series: ChartSeries[]; options: PanelOptions } {
  const { draw, label } = search.space[name];
  const place = draw.kind === "choice"
    ? (value: number) => draw.values.indexOf(value)
    : (value: number) => Math.log10(value);
  const ticks = draw.kind === "choice"
    ? draw.values.map((_, i) => i)
    : decades(draw.low, draw.high);
  const pointsOf = (rung: number) =>
    trials.filter((one) => one.rung === rung && one.metrics !== undefined).map((one) => ({
      x: place(one.configuration[name]),
      y: 100 * one.metrics!.testAccuracy,
      seeds: 1,
      collapsed: 0,
    }));
  return {
    series: planRungs(search).map((rung, index) => ({
      label: rungLabel(rung),
      index,
      points: pointsOf(index),
    })),
    options: {
      title: "",
      xTitle: label,
      xUnit: undefined,
      yTitle: "validation accuracy (%)",
      xTicks: ticks,
      xScale: "linear",
      showX: (x) =>
        draw.kind === "choice" ? `${draw.values[x] ?? ""}` : `${Number((10 ** x).toPrecision(2))}`,
      ...accuracyRange(trials),
      markCliffs: false,
      isScatter: true,
      isExact: true,
    },
  };
}

function decades(low: number, high: number): number[] {
  const first = Math.ceil(Math.log10(low));
  return Array.from({ length: Math.floor(Math.log10(high)) - first + 1 }, (_, i) => first + i);
}

/** All but the worst quarter, so that what broke down does not squeeze the others. */
function accuracyRange(trials: readonly SearchedTrial[]): { yMin: number; yMax: number } {
  const all = trials.flatMap(({ metrics }) => metrics ? [100 * metrics.testAccuracy] : [])
    .sort((a, b) => a - b);
  if (all.length === 0) return { yMin: 0, yMax: 100 };
  const low = all[Math.floor(all.length / 4)];
  const span = Math.max(1, all.at(-1)! - low);
  return { yMin: Math.max(0, low - 0.3 * span), yMax: all.at(-1)! + 0.1 * span };
}
