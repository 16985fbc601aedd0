import type { Bits } from "../bits.ts";

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

/**
 * Zero and powers of two, so that a product is a shift: 2^(b-1) - 1 magnitudes on each side of 0.
 *
 * From 9 bits on there would be more of them than float32 has exponents.
 *
 * @see Miyashita et al. 2016, arXiv:1603.01025; Zhou et al. 2017 (INQ), arXiv:1702.03044
 */
export interface PowersOfTwoGridSpec {
  /** Powers of two. */
  readonly kind: "powersOfTwo";
  /** Bits of a code. */
  readonly bits: 2 | 3 | 4 | 5 | 6 | 7 | 8;
  /** The greatest level: a power of two itself, unless any float32 may scale all of them. */
  readonly scale?: ScaleKind;
}

/**
 * Sums of a few powers of two, finer near the ends than powers alone: 2^(b-1) - 1 magnitudes on each
 * side of 0.
 *
 * @see Li et al. 2020, arXiv:1909.13144
 */
export interface AdditivePowersOfTwoGridSpec {
  /** Sums of powers of two. */
  readonly kind: "additivePowersOfTwo";
  /** Bits of a code, at least 2. */
  readonly bits: Exclude<Bits, 1>;
  /** What the sums are multiplied by: any float32, unless it must be a power of two. */
  readonly scale?: ScaleKind;
}

/**
 * The 2^b levels that are nearest to the weights in the mean of squares, for whole channels: a table of
 * levels is too much for a group.
 *
 * @see Lloyd 1982, doi:10.1109/TIT.1982.1056489
 */
export interface LloydMaxGridSpec {
  /** Optimal levels. */
  readonly kind: "lloydMax";
  /** Bits of a code. */
  readonly bits: Bits;
}

/**
 * Minus a scale, 0 and the scale, with the threshold that is best in the mean of squares.
 *
 * @see Li et al. 2016, arXiv:1605.04711
 */
export interface TernaryGridSpec {
  /** Three levels. */
  readonly kind: "ternary";
}

/**
 * Minus and plus the mean magnitude.
 *
 * @see Rastegari et al. 2016, arXiv:1603.05279
 */
export interface BinaryGridSpec {
  /** Two levels. */
  readonly kind: "binary";
}

/** A kind of grid that spans a range, which an observer finds. */
export type SpanningGridSpec = AffineGridSpec | PowersOfTwoGridSpec | AdditivePowersOfTwoGridSpec;

/** A kind of grid that is fitted to the weights themselves. */
export type FittedGridSpec = LloydMaxGridSpec | TernaryGridSpec | BinaryGridSpec;

/** The kind of grid that weights are rounded to; frozen data, part of a trial. */
export type WeightGridSpec = SpanningGridSpec | FittedGridSpec;

const SPANS: Readonly<Record<WeightGridSpec["kind"], boolean>> = {
  affine: true,
  powersOfTwo: true,
  additivePowersOfTwo: true,
  lloydMax: false,
  ternary: false,
  binary: false,
};

/**
 * Tells whether a grid spans a range that somebody has to find, or is fitted to the weights.
 *
 * @param spec The kind of grid.
 * @returns True if it spans a range.
 */
export function isSpanning(spec: WeightGridSpec): spec is SpanningGridSpec {
  return SPANS[spec.kind];
}

/**
 * Tells whether a grid is scaled by a power of two, and stops being what it is with any other scale.
 *
 * @param spec The kind of grid.
 * @returns True for powers of two unless their scale is said to be a float, and for grids that ask for it.
 */
export function hasPowerOfTwoScale(spec: WeightGridSpec): boolean {
  if (spec.kind === "powersOfTwo") return spec.scale !== "float";
  return "scale" in spec && spec.scale === "powerOfTwo";
}

/**
 * Counts the bits of a code.
 *
 * @param spec The kind of grid.
 * @returns Whole bits, 1 to 16; 2 for the three levels of a ternary grid.
 */
export function codeBits(spec: WeightGridSpec): Bits {
  switch (spec.kind) {
    case "ternary":
      return 2;
    case "binary":
      return 1;
    default:
      return spec.bits;
  }
}
