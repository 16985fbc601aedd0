import type { SKRSContext2D } from "@napi-rs/canvas";
import { FONT_FAMILY } from "./fonts.ts";

/**
 * Writes a line of text.
 *
 * @param context To draw into.
 * @param content The text.
 * @param x Left end, in layout pixels.
 * @param y Base line, in layout pixels.
 * @param size Of the font, in layout pixels.
 * @param color Such as `#1a1a1a`.
 * @param weight 400 is regular, 600 semibold.
 */
export function drawText(
  context: SKRSContext2D,
  content: string,
  x: number,
  y: number,
  size: number,
  color: string,
  weight: number = 400,
): void {
  context.font = `${weight} ${size}px "${FONT_FAMILY}"`;
  context.fillStyle = color;
  context.fillText(content, x, y);
}

/**
 * Breaks text into lines between words.
 *
 * @param context Measures the words.
 * @param content The text.
 * @param width Of a line at most, in layout pixels; a longer word has a line of its own.
 * @param size Of the font, in layout pixels.
 * @returns The lines.
 */
export function wrapText(
  context: SKRSContext2D,
  content: string,
  width: number,
  size: number,
): string[] {
  context.font = `${size}px "${FONT_FAMILY}"`;
  const lines = [""];
  for (const word of content.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (context.measureText(longer).width > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
