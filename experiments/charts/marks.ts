import type { AnnotationOptions } from "chartjs-plugin-annotation";
import type { PanelData } from "./chart_data.ts";
import { FONT_FAMILY } from "./fonts.ts";
import { BAND, FAINT_INK, INK, seriesStyle } from "./palette.ts";
import { type PanelOptions, showBudget } from "./panel_options.ts";

/**
 * Marks the cliff of each series: a dotted line down from its point, with a label at its foot.
 *
 * @param data Has the cliffs.
 * @param options Of the panel.
 * @returns Annotations by name.
 */
export function cliffMarks(
  data: PanelData,
  options: PanelOptions,
): Record<string, AnnotationOptions> {
  const fallen = data.series.filter(({ cliff }) => cliff !== undefined);
  return Object.fromEntries(fallen.map((series, i): [string, AnnotationOptions] => {
    const { color } = seriesStyle(series.index);
    const point = series.points.find(({ x }) => x === series.cliff)!;
    return [`cliff ${i}`, {
      type: "line",
      xMin: series.cliff,
      xMax: series.cliff,
      yMin: options.yMin,
      yMax: point.y,
      borderColor: color,
      borderWidth: 1.25,
      borderDash: [2, 3],
      label: {
        display: true,
        content: `cliff ${showBudget(series.cliff!, options.xScale, options.xUnit)}`,
        position: "start",
        backgroundColor: "white",
        borderColor: color,
        borderWidth: 1,
        borderRadius: 2,
        color: INK,
        padding: { x: 4, y: 2 },
        font: { family: FONT_FAMILY, size: 11, weight: 600 },
        // Stacked, so that labels of equal or neighboring cliffs do not cover each other.
        yAdjust: -14 - 24 * i,
      },
    } as AnnotationOptions];
  }));
}

/**
 * Marks the line that everything is compared with: its band, and where a cliff is decided.
 *
 * @param data Has the reference, or none.
 * @param options Of the panel.
 * @returns Annotations by name.
 */
export function referenceMarks(
  data: PanelData,
  options: PanelOptions,
): Record<string, AnnotationOptions> {
  if (data.reference === undefined) return {};
  const { y, lower, upper } = data.reference;
  const marks: Record<string, AnnotationOptions> = {
    line: {
      type: "line",
      yMin: y,
      yMax: y,
      borderColor: INK,
      borderWidth: 1.25,
      drawTime: "beforeDatasetsDraw",
    },
  };
  if (lower !== undefined && upper !== undefined) {
    marks.band = {
      type: "box",
      yMin: lower,
      yMax: upper,
      backgroundColor: BAND,
      borderWidth: 0,
      drawTime: "beforeDatasetsDraw",
    };
  }
  if (options.tolerance) {
    marks.tolerance = {
      type: "line",
      yMin: options.tolerance.y,
      yMax: options.tolerance.y,
      borderColor: FAINT_INK,
      borderWidth: 1,
      borderDash: [1, 3],
      label: {
        display: true,
        content: options.tolerance.label,
        position: "start",
        yAdjust: 9,
        backgroundColor: "transparent",
        color: FAINT_INK,
        padding: 2,
        font: { family: FONT_FAMILY, size: 11, weight: "normal" },
      },
    };
  }
  return marks;
}
