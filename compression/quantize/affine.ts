import { roundHalfEven } from "../../kernels/mod.ts";
import { BITS, isBits } from "./bits.ts";
import { requireFinite } from "./finite.ts";
import { ofLabel } from "./of_label.ts";

/** An integer grid: real = (q - zeroPoint) * scale, for q from qMin to qMax. */
export interface AffineGrid {
  /** Tells it from a grid of listed levels. */
  readonly kind: "affine";
  /** Distance of two neighbors, a float32. */
  readonly scale: number;
  /** float32(1 / scale): what quantizing multiplies by, so that every adapter agrees. */
  readonly inverseScale: number;
  /** The integer that stands for 0. */
  readonly zeroPoint: number;
  /** Smallest integer. */
  readonly qMin: number;
  /** Largest integer. */
  readonly qMax: number;
}

/** Smallest and largest value seen. */
export interface Range {
  /** Smallest value seen. */
  readonly low: number;
  /** Largest value seen. */
  readonly high: number;
}

const { fround } = Math;

/**
 * Widest range, and one over the finest scale: within them neither a scale nor its reciprocal is
 * subnormal, and no subnormal value reaches half a step, so adapters that flush them agree.
 */
const WIDEST = 2 ** 120;

/**
 * Says why no grid can span a range.
 *
 * @param range Smallest and largest value.
 * @returns What the range must do; nothing if all is well.
 */
export function rangeFault({ low, high }: Range): string | undefined {
  if (low > high) return "not end below where it begins";
  const width = fround(Math.max(high, 0)) - fround(Math.min(low, 0));
  // a comparison with NaN is never true
  return width <= WIDEST ? undefined : "be finite and at most 2^120 wide";
}

/**
 * Widens a range to include 0, in float32.
 *
 * @param range Smallest and largest value.
 * @param label Whose values they are, for the error.
 * @returns The range that a grid spans.
 * @throws {RangeError} If the range is not finite or wider than 2^120, or ends below where it begins.
 */
export function widenToZero(range: Range, label?: string): Range {
  const fault = rangeFault(range);
  if (fault !== undefined) {
    throw new RangeError(
      `Cannot quantize values${
        ofLabel(label)
      } from ${range.low} to ${range.high}: the range must ` +
        fault,
    );
  }
  return { low: fround(Math.min(range.low, 0)), high: fround(Math.max(range.high, 0)) };
}

/**
 * Keeps a step off the subnormal numbers; a range of nothing but 0 gets 1.
 *
 * @param step What the range asks for, 0 or more.
 * @param range The range, with 0 in it.
 * @returns 1, or at least 2^-120.
 */
export function scaleFor(step: number, { low, high }: Range): number {
  return low === high ? 1 : Math.max(step, 1 / WIDEST);
}

/**
 * Chooses the asymmetric grid of b bits for values in a range (min-max).
 *
 *     s = (hi - lo) / (2^b - 1),  r = 1 / s,  z = clamp(round(qMin - lo r), qMin, qMax)
 *
 * in float32, with the range widened to include 0 so that 0 stays exactly 0. A range of nothing
 * but 0 gets scale 1, any other at least 2^-120.
 *
 * @param range Smallest and largest value.
 * @param bits Bits of an integer, 1 to 16.
 * @param label Whose values they are, for the error.
 * @returns Scale, its reciprocal, zero point and the integers' limits, 0 to 2^b - 1.
 * @throws {RangeError} If the bits are out of range, or the range is not finite or wider than 2^120.
 *
 * @see Jacob et al. 2018, arXiv:1712.05877, section 2.1
 */
export function chooseQuantParams(range: Range, bits: number, label?: string): AffineGrid {
  if (!isBits(bits)) {
    throw new RangeError(
      `Cannot quantize to ${bits} bits: bits must be a whole number from ${BITS.least} to ` +
        `${BITS.most}`,
    );
  }
  const { low, high } = widenToZero(range, label);
  const qMax = 2 ** bits - 1;
  const scale = scaleFor(fround(fround(high - low) / qMax), { low, high });
  const inverseScale = fround(1 / scale);
  const zeroPoint = Math.min(Math.max(roundHalfEven(fround(-fround(low * inverseScale))), 0), qMax);
  return { kind: "affine", scale, inverseScale, zeroPoint, qMin: 0, qMax };
}

/**
 * Quantizes one value, on the host.
 *
 * @param x A float32.
 * @param grid The grid.
 * @returns A whole number from qMin to qMax.
 */
export function quantize(x: number, grid: AffineGrid): number {
  const q = roundHalfEven(fround(x * grid.inverseScale)) + grid.zeroPoint;
  return Math.min(Math.max(q, grid.qMin), grid.qMax);
}

/**
 * Gives the real number that an integer stands for.
 *
 * @param q A whole number on the grid.
 * @param grid The grid.
 * @returns A float32.
 */
export function dequantize(q: number, grid: AffineGrid): number {
  return fround((q - grid.zeroPoint) * grid.scale);
}

/**
 * Finds the smallest and largest value.
 *
 * @param values Finite values, at least one.
 * @returns Both.
 */
export function endsOf(values: Float32Array): Range {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

/**
 * Finds the range of each run of consecutive values.
 *
 * @param values Row-major; `[channels, inner]`.
 * @param channels How many runs; 1 for the range of the whole tensor.
 * @param label Name of the tensor, for errors.
 * @returns One range a run.
 * @throws {RangeError} If a value is not finite, with its index, or the runs are not equal.
 */
export function rangesOf(values: Float32Array, channels: number, label?: string): Range[] {
  const inner = values.length / channels;
  if (!Number.isInteger(inner) || inner === 0) {
    throw new RangeError(
      `Cannot find the ranges of ${values.length} values${ofLabel(label)}: they must fall into ` +
        `${channels} channels of equal length`,
    );
  }
  requireFinite(`find the range${ofLabel(label)}`, "its values", values);
  return Array.from(
    { length: channels },
    (_, channel) => endsOf(values.subarray(channel * inner, (channel + 1) * inner)),
  );
}
