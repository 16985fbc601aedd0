/** Bits of a code. */
export type Bits = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16;

/** Bit-widths that quantizers accept. */
export const BITS: Readonly<{ least: number; most: number }> = { least: 1, most: 16 };

/**
 * Tells whether a number is a bit-width of codes.
 *
 * @param bits Any number.
 * @returns Whether it is a whole number from 1 to 16.
 */
export function isBits(bits: number): bits is Bits {
  return Number.isInteger(bits) && bits >= BITS.least && bits <= BITS.most;
}
