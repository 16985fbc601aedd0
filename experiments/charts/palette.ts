import type { PointStyle } from "chart.js";

/** How a series looks: its color never carries the meaning alone. */
export interface SeriesStyle {
  readonly color: string;
  readonly marker: PointStyle;
  readonly hollow: boolean;
}

/** Color of text, axes and the float32 line. */
export const INK = "#1a1a1a";
/** Color of what is said in passing. */
export const FAINT_INK = "#5f5f5f";
/** Color of grid lines. */
export const GRID = "#e6e6e6";
/** Fill of the interval around the float32 line. */
export const BAND = "rgba(26, 26, 26, 0.10)";

/** Okabe and Ito's palette; gray stands for yellow and black, which paper and ink already use. */
const COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#757575"];
const MARKERS: readonly PointStyle[] = ["circle", "rect", "triangle", "rectRot"];

/**
 * Tells whether series would share a color though there are enough for all.
 *
 * @param indices Numbers of the series of one chart.
 * @returns True if others should be chosen for them.
 */
export function wastesColors(indices: readonly number[]): boolean {
  const used = new Set(indices.map((index) => index % COLORS.length)).size;
  return used < Math.min(indices.length, COLORS.length);
}

/**
 * Chooses the look of a series: told apart by color blind readers and in black and white print.
 *
 * @param index Number of the series in its experiment, so that it looks the same in every chart.
 * @returns Color, marker, and whether the marker is hollow.
 *
 * @see Okabe and Ito 2008, Color Universal Design, https://jfly.uni-koeln.de/color/
 */
export function seriesStyle(index: number): SeriesStyle {
  return {
    color: COLORS[index % COLORS.length],
    marker: MARKERS[index % MARKERS.length],
    hollow: Math.floor(index / MARKERS.length) % 2 === 1,
  };
}
