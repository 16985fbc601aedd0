import type { QuantizedWeight, WeightGrid } from "../quantized_weight.ts";

/** Bits of a float32, which scales and listed levels are. */
const FLOAT_BITS = 32;

/** Bits of a code that tells all levels of a grid apart. */
function codeBitsOf(grid: WeightGrid): number {
  const levels = grid.kind === "affine" ? grid.qMax - grid.qMin + 1 : grid.levels.length;
  return Math.ceil(Math.log2(levels));
}

/** Bits of a grid itself: a scale and a zero point as wide as a code, or what its levels follow from. */
function gridBitsOf(grid: WeightGrid): number {
  if (grid.kind === "codebook") return FLOAT_BITS * (grid.numbers ?? grid.levels.length);
  // the zero point of signed codes is 0, and need not be said
  return FLOAT_BITS + (grid.qMin < 0 ? 0 : codeBitsOf(grid));
}

/**
 * Counts the bytes of a quantized weight whose codes and grids are packed without gaps.
 *
 *     ceil((n b + sum over the grids of (32 + b, or 32 numbers)) / 8)
 *
 * for n codes of the b bits that the largest grid needs: a grid of equal steps has a float32 scale and,
 * if its codes are unsigned, a zero point of b bits. Of a codebook the numbers that its levels follow from
 * are float32: a scale where they are ternary, binary, or powers of two and their sums, scale and zero point
 * of HQQ, else all levels.
 *
 * @param weight Codes and grids.
 * @returns Bytes; headers and biases are not in them.
 *
 * @example Three weights of 2 bits
 * ```ts
 * import assert from "node:assert/strict";
 * import { affineGrid, packedBytes, roundToGrids } from "@bitcliff/bitcliff";
 *
 * const grid = affineGrid({ low: -1, high: 2 }, { kind: "affine", bits: 2 });
 * const weight = roundToGrids(new Float32Array([-1, 0, 2]), [1, 3], [grid], "nearestEven");
 * assert.equal(packedBytes(weight), (3 * 2 + 32 + 2) / 8);
 * ```
 */
export function packedBytes({ codes, grids }: QuantizedWeight): number {
  const bits = grids.reduce((most, grid) => Math.max(most, codeBitsOf(grid)), 0);
  const gridBits = grids.reduce((sum, grid) => sum + gridBitsOf(grid), 0);
  return Math.ceil((codes.length * bits + gridBits) / 8);
}
