import { ofLabel } from "../of_label.ts";
import type { Granularity } from "./spec.ts";

function product(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a * b, 1);
}

/**
 * Counts the consecutive weights that share a grid.
 *
 * @param shape Of the weight, outputs first: `[outputs, ...]`.
 * @param granularity Which weights share a grid.
 * @param label Name of the weight, for errors.
 * @returns A divisor of the weight's size.
 * @throws {RangeError} If the shape is empty, or a group does not divide a row.
 */
export function groupSizeOf(
  shape: readonly number[],
  granularity: Granularity,
  label?: string,
): number {
  const size = product(shape);
  if (shape.length === 0 || !Number.isInteger(size) || size < 1) {
    throw new RangeError(
      `Cannot group weights${ofLabel(label)}: the shape must be [outputs, ...]: it is [${
        shape.join(", ")
      }]`,
    );
  }
  if (granularity === "tensor") return size;
  const row = size / shape[0];
  if (granularity === "channel") return row;
  const { group } = granularity;
  if (!Number.isInteger(group) || group < 1 || row % group !== 0) {
    throw new RangeError(
      `Cannot quantize ${label === undefined ? "a weight" : `"${label}"`} of shape ` +
        `[${shape.join(", ")}] in groups of ${group}: a group must divide a row of ${row}`,
    );
  }
  return group;
}
