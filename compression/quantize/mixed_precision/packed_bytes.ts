/** Bytes of a grid in a file: a float32 scale and a zero point of 16 bits. */
const GRID_BYTES = 6;

/**
 * Counts the bytes of a weight whose codes are packed without gaps: ceil(n b / 8), and 6 a grid.
 *
 * @param weights How many weights.
 * @param bits Bits of each.
 * @param grids How many affine grids they have.
 * @returns Bytes.
 */
export function packedBytes(weights: number, bits: number, grids: number): number {
  return Math.ceil(weights * bits / 8) + grids * GRID_BYTES;
}
