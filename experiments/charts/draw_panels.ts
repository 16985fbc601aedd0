import { createCanvas } from "@napi-rs/canvas";
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
const PANEL_TOP = MARGIN + 44;
const PANEL_HEIGHT = 400;
const CAPTION_LINE = 18;
const LEGEND_LINE = 22;
/** One of several panels, each with lines and axes of its own. */
export interface OwnPanel {
  /** Its lines. */
  readonly series: readonly ChartSeries[];
  /** Its axes. */
  readonly options: PanelOptions;
}

/** How panels stand. */
export interface PanelLayout {
  /** Panels in a row; all if left out. */
  readonly columns?: number;
  /** A legend over all panels, a line each; one of its own over each panel if left out. */
  readonly legend?: readonly ChartSeries[];
}

/**
 * Draws panels in rows, each under a legend of its own lines, or all under one.
 *
 * @param title Over all.
 * @param caption Under all, in sentences.
 * @param panels Row by row, from left to right; at least one.
 * @param layout How they stand.
 * @returns A PNG of 2560 pixels width.
 */
export function drawPanels(
  title: string,
  caption: string,
  panels: readonly OwnPanel[],
  { columns = panels.length, legend = [] }: PanelLayout = {},
): Uint8Array {
  registerFonts();
  const measure = createCanvas(1, 1).getContext("2d");
  const lines = wrapText(measure, caption, WIDTH - 2 * MARGIN, 12);
  const panelTop = PANEL_TOP + legend.length * LEGEND_LINE;
  const rowHeight = PANEL_HEIGHT + GAP + (legend.length > 0 ? 0 : LEGEND_LINE);
  const lastTop = panelTop + (Math.ceil(panels.length / columns) - 1) * rowHeight;
  const captionTop = lastTop + PANEL_HEIGHT + 22;
  const height = captionTop + lines.length * CAPTION_LINE + MARGIN / 2;
  const canvas = createCanvas(WIDTH * PIXEL_RATIO, height * PIXEL_RATIO);
  const context = canvas.getContext("2d");
  context.scale(PIXEL_RATIO, PIXEL_RATIO);
  context.fillStyle = "white";
  context.fillRect(0, 0, WIDTH, height);
  drawText(context, title, MARGIN, MARGIN + 10, 18, INK, 600);
  /** A line of a legend; says where the next one may begin. */
  const entry = (
    { label, index }: ChartSeries,
    { isScatter }: PanelOptions,
    x: number,
    y: number,
  ): number => {
    const line = isScatter ? "none" : "solid";
    drawMarker(context, { ...seriesStyle(index), x, y: y - 4, line });
    drawText(context, label, x + 38, y, 13, INK);
    return x + 38 + context.measureText(label).width + 24;
  };
  legend.forEach((one, i) =>
    entry(one, panels[0].options, MARGIN, PANEL_TOP - 8 + i * LEGEND_LINE)
  );
  const width = (WIDTH - 2 * MARGIN + GAP) / columns - GAP;
  panels.forEach(({ series, options }, i) => {
    const left = MARGIN + i % columns * (width + GAP);
    const top = panelTop + Math.floor(i / columns) * rowHeight;
    if (legend.length === 0) {
      series.reduce((x, one) => entry(one, options, x, top - 8), left + 4);
    }
    drawPanel(context, { left, top, width, height: PANEL_HEIGHT }, { series }, options);
  });
  lines.forEach((line, i) =>
    drawText(context, line, MARGIN, captionTop + i * CAPTION_LINE, 12, FAINT_INK)
  );
  return canvas.toBuffer("image/png");
}
