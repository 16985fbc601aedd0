import type { AffineGrid } from "./affine.ts";
import { dequantize } from "./affine.ts";

/** A grid whose levels are listed: powers of two, a learned codebook, ternary, binary. */
export interface CodebookGrid {
  /** Tells it from a grid of equal steps. */
  readonly kind: "codebook";
  /** Real values of the codes 0, 1, ..., ascending; float32. */
  readonly levels: Float32Array<ArrayBuffer>;
  /**
   * Numbers that a file needs to list the levels again, such as 1 for a scale, or 2 for a scale and a zero
   * point; all levels if left out.
   */
  readonly numbers?: number;
}

/** What one group of weights may become. */
export type WeightGrid = AffineGrid | CodebookGrid;

/**
 * A quantized weight on the host: what a file would hold.
 *
 * Every quantizer of weights ends in one of these, however it chose its codes, so that accuracy,
 * bytes and integer inference all speak of the same numbers.
 */
export interface QuantizedWeight {
  /** PyTorch's shape, outputs first: `[outputs, ...]`. */
  readonly shape: readonly number[];
  /**
   * Consecutive weights, row-major, that share a grid: a divisor of an output's weights (per group),
   * their count (per channel) or all weights (per tensor).
   */
  readonly groupSize: number;
  /** One a group, in order. */
  readonly grids: readonly WeightGrid[];
  /** One a weight: the integer q of an affine grid, the index of a codebook's level. */
  readonly codes: Int32Array<ArrayBuffer>;
}

/**
 * Gives the real number that a code stands for.
 *
 * @param code An integer of the grid.
 * @param grid The grid.
 * @returns A float32.
 */
export function valueOf(code: number, grid: WeightGrid): number {
  return grid.kind === "affine" ? dequantize(code, grid) : grid.levels[code];
}

/**
 * Gives the weights that the codes stand for: what a network computes with.
 *
 * @param weight Codes and grids.
 * @returns One float32 a code, in the same order.
 * @throws {RangeError} If there are not as many grids as groups, or a code is not on its grid.
 */
export function dequantizeWeight(weight: QuantizedWeight): Float32Array<ArrayBuffer> {
  const { codes, grids, groupSize } = weight;
  if (codes.length !== groupSize * grids.length) {
    throw new RangeError(
      `Cannot dequantize ${codes.length} codes: every ${groupSize} need a grid: there are ` +
        `${grids.length} grids`,
    );
  }
  return Float32Array.from(codes, (code, i) => {
    const grid = grids[Math.floor(i / groupSize)];
    const [least, most] = grid.kind === "affine"
      ? [grid.qMin, grid.qMax]
      : [0, grid.levels.length - 1];
    if (code < least || code > most) {
      throw new RangeError(
        `Cannot dequantize: code ${i} must be from ${least} to ${most}: it is ${code}`,
      );
    }
    return valueOf(code, grid);
  });
}
