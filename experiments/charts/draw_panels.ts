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
/** One of several panels side by side, each with lines and axes of its own. */
export interface OwnPanel {
  /** Its lines. */
  readonly series: readonly ChartSeries[];
  /** Its axes. */
  readonly options: PanelOptions;
}

/**
 * Draws panels side by side, each under a legend of its own lines, or all under one.
 *
 * @param title Over all.
 * @param caption Under all, in sentences.
 * @param panels From left to right.
 * @param legend Of all panels, a line each; of each panel, side by side, if left out.
 * @returns A PNG of 2560 pixels width.
 */
export function drawPanels(
  title: string,
  caption: string,
  panels: readonly OwnPanel[],
  legend: readonly ChartSeries[] = [],
): Uint8Array {
  registerFonts();
  const measure = createCanvas(1, 1).getContext("2d");
  const lines = wrapText(measure, caption, WIDTH - 2 * MARGIN, 12);
  const panelTop = PANEL_TOP + legend.length * LEGEND_LINE;
  const captionTop = panelTop + PANEL_HEIGHT + 22;
  const height = captionTop + lines.length * CAPTION_LINE + MARGIN / 2;
  const canvas = createCanvas(WIDTH * PIXEL_RATIO, height * PIXEL_RATIO);
  const context = canvas.getContext("2d");
  context.scale(PIXEL_RATIO, PIXEL_RATIO);
  context.fillStyle = "white";
  context.fillRect(0, 0, WIDTH, height);
  drawText(context, title, MARGIN, MARGIN + 10, 18, INK, 600);
  const entry = ({ label, index }: ChartSeries, x: number, y: number): void => {
    drawMarker(context, { ...seriesStyle(index), x, y: y - 4, line: "solid" });
    drawText(context, label, x + 38, y, 13, INK);
  };
  legend.forEach((one, i) => entry(one, MARGIN, PANEL_TOP - 8 + i * LEGEND_LINE));
  const width = (WIDTH - 2 * MARGIN + GAP) / panels.length - GAP;
  panels.forEach(({ series, options }, i) => {
    const left = MARGIN + i * (width + GAP);
    let x = left + 4;
    for (const one of legend.length > 0 ? [] : series) {
      entry(one, x, panelTop - 8);
      x += 38 + context.measureText(one.label).width + 24;
    }
    drawPanel(context, { left, top: panelTop, width, height: PANEL_HEIGHT }, { series }, options);
  });
  lines.forEach((line, i) =>
    drawText(context, line, MARGIN, captionTop + i * CAPTION_LINE, 12, FAINT_INK)
  );
  return canvas.toBuffer("image/png");
}
