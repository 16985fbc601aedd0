/** A positive real number in 31 bits and a power of two: mantissa * 2^(shift - 31). */
export interface FixedPoint {
  /** From 2^30 to 2^31 - 1; 0 stands for 0. */
  readonly mantissa: number;
  /** From -31 to 31. */
  readonly shift: number;
}

const INT32 = { least: -(2 ** 31), most: 2 ** 31 - 1 } as const;

/**
 * Writes a positive number as a mantissa of 31 bits and a shift, as integer runtimes hold multipliers.
 *
 *     real = mantissa * 2^(shift - 31),   2^30 <= mantissa < 2^31
 *
 * The mantissa is rounded to the nearest, ties away from 0; below 2^-32 the number is 0.
 *
 * @param real From 0 to less than 2^30.
 * @returns Mantissa and shift.
 * @throws {RangeError} If the number is negative, not finite or too large.
 * @see Jacob et al. 2018, arXiv:1712.05877, section 2.2; TensorFlow Lite, QuantizeMultiplier
 */
export function toFixedPoint(real: number): FixedPoint {
  if (!(real >= 0 && real < 2 ** 30)) {
    throw new RangeError(
      `Cannot write ${real} as a fixed-point multiplier: it must be from 0 to less than 2^30`,
    );
  }
  if (real < 2 ** -32) return { mantissa: 0, shift: 0 };
  let shift = Math.floor(Math.log2(real)) + 1;
  // the logarithm beside a power of two may be off by one
  if (real * 2 ** -shift >= 1) shift++;
  if (real * 2 ** -shift < 0.5) shift--;
  const mantissa = Math.round(real * 2 ** (31 - shift));
  const fits = mantissa < 2 ** 31;
  return { mantissa: fits ? mantissa : mantissa / 2, shift: fits ? shift : shift + 1 };
}

/**
 * Multiplies by a mantissa and keeps the upper half: gemmlowp's SaturatingRoundingDoublingHighMul.
 *
 *     floor((value * mantissa + 2^30) / 2^31)
 *
 * so that a tie goes up, of either sign.
 *
 * @param value An int32.
 * @param mantissa From 0 to 2^31 - 1.
 * @returns An int32.
 */
export function highMultiply(value: number, mantissa: number): number {
  return Number((BigInt(value) * BigInt(mantissa) + (1n << 30n)) >> 31n);
}

/**
 * Divides by a power of two, to the nearest, ties away from 0: gemmlowp's RoundingDivideByPOT.
 *
 * @param value An int32.
 * @param exponent From 0 to 31.
 * @returns value / 2^exponent, rounded.
 */
export function divideByPowerOfTwo(value: number, exponent: number): number {
  const magnitude = Math.floor(Math.abs(value) / 2 ** exponent + 0.5);
  return value < 0 ? -magnitude : magnitude;
}

/**
 * Multiplies an accumulator by a fixed-point number, in integers only: TensorFlow Lite's
 * MultiplyByQuantizedMultiplier.
 *
 * What a left shift pushes beyond an int32 becomes the nearest int32. There are two roundings, one of
 * the product and one of the right shift.
 *
 * @param accumulator An int32.
 * @param multiplier The fixed-point number.
 * @returns An int32.
 * @see Jacob et al. 2018, arXiv:1712.05877, section 2.2
 */
export function multiplyByFixedPoint(accumulator: number, multiplier: FixedPoint): number {
  const { mantissa, shift } = multiplier;
  const shifted = accumulator * 2 ** Math.max(shift, 0);
  const value = Math.min(Math.max(shifted, INT32.least), INT32.most);
  return divideByPowerOfTwo(highMultiply(value, mantissa), Math.max(-shift, 0));
}
