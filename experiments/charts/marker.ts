import type { SKRSContext2D } from "@napi-rs/canvas";
import type { PointStyle } from "chart.js";

/** Width of the piece of line in a legend, in layout pixels. */
const LENGTH = 30;
const RADIUS = 4.5;

/** The sign of a series in a legend. */
export interface LegendMarker {
  readonly x: number;
  /** Middle of the sign. */
  readonly y: number;
  readonly color: string;
  readonly line: "solid" | "dashed" | "none";
  /** No marker if left out. */
  readonly marker: PointStyle | undefined;
  readonly hollow: boolean;
}

/**
 * Draws the sign of a series as the panels draw it: a piece of line with the marker in its middle.
 *
 * @param context To draw into.
 * @param sign Where and what.
 */
export function drawMarker(context: SKRSContext2D, sign: LegendMarker): void {
  const { x, y, color, line, marker, hollow } = sign;
  const middle = x + LENGTH / 2;
  context.save();
  context.strokeStyle = color;
  context.lineWidth = 1.75;
  if (line !== "none") {
    context.setLineDash(line === "dashed" ? [5, 4] : []);
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + LENGTH, y);
    context.stroke();
    context.setLineDash([]);
  }
  if (marker !== undefined) {
    context.fillStyle = hollow ? "white" : color;
    context.beginPath();
    outline(context, marker, middle, y);
    if (marker !== "crossRot") context.fill();
    context.stroke();
  }
  context.restore();
}

/** The same outlines as Chart.js draws, at the same size. */
function outline(context: SKRSContext2D, marker: PointStyle, x: number, y: number): void {
  switch (marker) {
    case "rect": {
      const half = RADIUS * Math.SQRT1_2;
      return context.rect(x - half, y - half, 2 * half, 2 * half);
    }
    case "triangle":
      return polygon(context, x, y, [-90, 30, 150]);
    case "rectRot":
      return polygon(context, x, y, [0, 90, 180, 270]);
    case "crossRot":
      context.moveTo(x - RADIUS, y - RADIUS);
      context.lineTo(x + RADIUS, y + RADIUS);
      context.moveTo(x - RADIUS, y + RADIUS);
      return context.lineTo(x + RADIUS, y - RADIUS);
    default:
      return context.arc(x, y, RADIUS, 0, 2 * Math.PI);
  }
}

function polygon(context: SKRSContext2D, x: number, y: number, degrees: number[]): void {
  degrees.forEach((angle, i) => {
    const corner = [
      x + RADIUS * Math.cos(angle * Math.PI / 180),
      y + RADIUS * Math.sin(angle * Math.PI / 180),
    ] as const;
    if (i === 0) context.moveTo(...corner);
    else context.lineTo(...corner);
  });
  context.closePath();
}
