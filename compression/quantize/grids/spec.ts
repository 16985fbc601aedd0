import { BITS } from "../affine.ts";

/** Bits of a code. */
export type Bits = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16;

/**
 * Which weights share a grid: all of them, those of an output channel, or runs of `group` consecutive
 * weights of an output channel.
 */
export type Granularity = "tensor" | "channel" | { readonly group: number };

/** Whether a scale is any float32 or a power of two, by which an integer runtime can shift. */
export type ScaleKind = "float" | "powerOfTwo";

/**
 * Equal steps from the smallest to the largest value: unsigned codes 0 to 2^b - 1 and a zero point.
 *
 * @see Jacob et al. 2018, arXiv:1712.05877, section 2.1
 */
export interface AsymmetricGridSpec {
  /** Equal steps. */
  readonly kind: "affine";
  /** Bits of a code. */
  readonly bits: Bits;
  /** The zero point is chosen. */
  readonly symmetric?: false;
  /** Narrowing is for signed codes. */
  readonly narrow?: undefined;
  /** Any float32, unless it must be a power of two. */
  readonly scale?: ScaleKind;
}

/**
 * Equal steps with 0 in the middle: signed codes -2^(b-1) to 2^(b-1) - 1, the zero point 0.
 *
 * One bit is not enough: its zero point would be 0.5. A `binary` grid is what is meant then.
 */
export interface SymmetricGridSpec {
  /** Equal steps. */
  readonly kind: "affine";
  /** Bits of a code, at least 2. */
  readonly bits: Exclude<Bits, 1>;
  /** The zero point is 0. */
  readonly symmetric: true;
  /** Whether the lowest code is left out, so that both sides reach equally far. */
  readonly narrow?: boolean;
  /** Any float32, unless it must be a power of two. */
  readonly scale?: ScaleKind;
}

/** A grid of equal steps; frozen data. */
export type AffineGridSpec = AsymmetricGridSpec | SymmetricGridSpec;

/** The kind of grid that weights are rounded to; frozen data, part of a trial. */
export type WeightGridSpec = AffineGridSpec;

/**
 * Tells whether a number is a bit-width of codes.
 *
 * @param bits Any number.
 * @returns Whether it is a whole number from 1 to 16.
 */
export function isBits(bits: number): bits is Bits {
  return Number.isInteger(bits) && bits >= BITS.least && bits <= BITS.most;
}
