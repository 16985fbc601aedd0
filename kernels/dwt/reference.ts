/**
 * What a signal is taken to be beyond its ends: mirrored with its end sample repeated
 * (`symmetric`, half-sample), or periodic with as few coefficients as samples (`periodization`).
 */
export type BoundaryMode = "symmetric" | "periodization";

/** Two filters of equal, even length: low-pass and high-pass. */
export interface FilterPair {
  /** Low-pass coefficients. */
  readonly low: ArrayLike<number>;
  /** High-pass coefficients. */
  readonly high: ArrayLike<number>;
}

/** An axis of a row-major tensor: `[outer, length, inner]`. */
export interface Axis {
  /** Product of the axes before it. */
  readonly outer: number;
  /** Elements along the axis. */
  readonly length: number;
  /** Product of the axes after it. */
  readonly inner: number;
}

/**
 * Counts the coefficients of one band along an axis.
 *
 * @param length Samples of the signal, at least 1.
 * @param taps Of the filters.
 * @param mode Boundary mode.
 * @returns floor((length + taps - 1) / 2), or ceil(length / 2) for periodization.
 */
export function coefficientCount(length: number, taps: number, mode: BoundaryMode): number {
  return mode === "periodization" ? Math.ceil(length / 2) : Math.floor((length + taps - 1) / 2);
}

/**
 * Finds the sample that stands at a place outside of a signal.
 *
 * @param place Any whole number; 0 to `length` - 1 is the signal itself.
 * @param length Samples of the signal.
 * @param mode Boundary mode. Periodization repeats the last sample of an odd signal once.
 * @returns A whole number from 0 to `length` - 1.
 */
export function extendedIndex(place: number, length: number, mode: BoundaryMode): number {
  const period = mode === "periodization" ? length + length % 2 : 2 * length;
  const wrapped = ((place % period) + period) % period;
  if (wrapped < length) return wrapped;
  return mode === "periodization" ? length - 1 : period - 1 - wrapped;
}

/**
 * Splits a tensor into low and high band along one axis, in float64.
 *
 *     band[k] = sum_j filter[j] x[2k + c - j],   c = 1, or taps / 2 for periodization
 *
 * @param x `[outer, length, inner]`.
 * @param axis The sizes.
 * @param filters Analysis filters.
 * @param mode What stands beyond the ends of `x`.
 * @returns Both bands, `[outer, coefficientCount(length), inner]`.
 *
 * @see Mallat 1989, doi:10.1109/34.192463; PyWavelets `dwt`
 */
export function analyzeAxis(
  x: ArrayLike<number>,
  { outer, length, inner }: Axis,
  { low: lowFilter, high: highFilter }: FilterPair,
  mode: BoundaryMode,
): { low: Float64Array; high: Float64Array } {
  const taps = lowFilter.length;
  const half = coefficientCount(length, taps, mode);
  const center = mode === "periodization" ? taps / 2 : 1;
  const low = new Float64Array(outer * half * inner);
  const high = new Float64Array(outer * half * inner);
  for (let k = 0; k < half; k++) {
    for (let j = 0; j < taps; j++) {
      const sample = extendedIndex(2 * k + center - j, length, mode);
      for (let o = 0; o < outer; o++) {
        const from = (o * length + sample) * inner;
        const to = (o * half + k) * inner;
        for (let i = 0; i < inner; i++) {
          low[to + i] += lowFilter[j] * x[from + i];
          high[to + i] += highFilter[j] * x[from + i];
        }
      }
    }
  }
  return { low, high };
}

/**
 * Joins low and high band along one axis, in float64.
 *
 *     y[n] = sum_k low[k] lowFilter[n + s - 2k] + high[k] highFilter[n + s - 2k],
 *     s = taps - 2, or taps / 2 - 1 for periodization (with k periodic)
 *
 * @param low `[outer, coefficientCount(length), inner]`.
 * @param high The same shape.
 * @param axis Sizes of the result; a length shorter by one than the bands allow drops the last
 *   sample, as odd signals need.
 * @param filters Synthesis filters.
 * @param mode That the bands were made with.
 * @returns `[outer, length, inner]`.
 *
 * @see Mallat 1989, doi:10.1109/34.192463; PyWavelets `idwt`
 */
export function synthesizeAxis(
  low: ArrayLike<number>,
  high: ArrayLike<number>,
  { outer, length, inner }: Axis,
  { low: lowFilter, high: highFilter }: FilterPair,
  mode: BoundaryMode,
): Float64Array {
  const taps = lowFilter.length;
  const half = coefficientCount(length, taps, mode);
  const shift = mode === "periodization" ? taps / 2 - 1 : taps - 2;
  const y = new Float64Array(outer * length * inner);
  for (let n = 0; n < length; n++) {
    for (let tap = (n + shift) % 2; tap < taps; tap += 2) {
      const k = (((n + shift - tap) / 2) % half + half) % half;
      for (let o = 0; o < outer; o++) {
        const from = (o * half + k) * inner;
        const to = (o * length + n) * inner;
        for (let i = 0; i < inner; i++) {
          y[to + i] += lowFilter[tap] * low[from + i] + highFilter[tap] * high[from + i];
        }
      }
    }
  }
  return y;
}
