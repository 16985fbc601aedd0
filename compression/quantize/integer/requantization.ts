import {
  type FixedPoint,
  multiplyByFixedPoint,
  roundHalfEven,
  toFixedPoint,
} from "../../../kernels/mod.ts";
import type { AffineGrid } from "../affine.ts";
import { withIntegers } from "./with_integers.ts";

/**
 * How an accumulator is brought to the grid of the next layer: by a float32 multiplier, or by an int32
 * multiplier and a shift, in integers only.
 */
export type RequantizationKind = "float" | "fixedPoint";

/** From integers in one unit to integers in another, such as s_x s_w and s_y. */
export interface Rescaling {
  /** `[outputs]`: the ratio of the units as float32. */
  readonly multipliers: Float32Array<ArrayBuffer>;
  /** `[outputs]`: the same ratio in 31 bits and a shift. */
  readonly fixedPoints: readonly FixedPoint[];
}

/** From the accumulators of a layer to codes of the next layer's input: by s_x s_w / s_y. */
export interface Requantization extends Rescaling {
  /** The code of 0. */
  readonly zeroPoint: number;
  /** Smallest code: that of 0 where a ReLU is folded in. */
  readonly qMin: number;
  /** Largest code. */
  readonly qMax: number;
}

/**
 * Chooses multipliers; each ratio is a float64 that is rounded once.
 *
 * @param from `[outputs]`: units of what is rescaled.
 * @param to `[outputs]`: units of what comes out.
 * @param layer Whose integers they are, for the error.
 * @returns from / to, in both kinds.
 * @throws {RangeError} If a multiplier is 2^30 or more.
 * @see Jacob et al. 2018, arXiv:1712.05877, section 2.2
 */
export function rescaling(from: Float64Array, to: Float64Array, layer?: string): Rescaling {
  const real = Array.from(from, (unit, output) => unit / to[output]);
  const large = real.findIndex((multiplier) => multiplier >= 2 ** 30);
  if (large >= 0) {
    throw new RangeError(
      `Cannot ${
        withIntegers(layer)
      }: multipliers must be less than 2^30: that of output ${large} is ` +
        `${from[large]} / ${to[large]}`,
    );
  }
  return { multipliers: new Float32Array(real), fixedPoints: real.map(toFixedPoint) };
}

/**
 * Chooses the multipliers and limits of a requantization.
 *
 * @param accumulatorScales `[outputs]`: s_x s_w, or that by the count of positions that were summed.
 * @param grid Of the next layer's input: s_y, zero point and limits.
 * @param relu Whether to fold a ReLU into the clamp.
 * @param layer Whose accumulators they are, for the error.
 * @returns Multipliers and limits.
 * @throws {RangeError} If a multiplier is 2^30 or more.
 */
export function requantization(
  accumulatorScales: Float64Array,
  grid: AffineGrid,
  relu: boolean,
  layer?: string,
): Requantization {
  const gridScales = accumulatorScales.map(() => grid.scale);
  return {
    ...rescaling(accumulatorScales, gridScales, layer),
    zeroPoint: grid.zeroPoint,
    qMin: relu ? Math.max(grid.qMin, grid.zeroPoint) : grid.qMin,
    qMax: grid.qMax,
  };
}

/**
 * Brings one integer to another unit, on the host.
 *
 *     float        round(float32(float32(a) m))
 *     fixedPoint   multiplyByFixedPoint(a, m)
 *
 * @param value An int32.
 * @param output Which output it is of.
 * @param by Multipliers.
 * @param kind Which multiplier to use.
 * @returns An integer.
 */
export function rescale(
  value: number,
  output: number,
  by: Rescaling,
  kind: RequantizationKind,
): number {
  return kind === "float"
    ? roundHalfEven(Math.fround(Math.fround(value) * by.multipliers[output]))
    : multiplyByFixedPoint(value, by.fixedPoints[output]);
}

/**
 * Requantizes one accumulator, on the host.
 *
 *     q = clamp(rescale(a) + z, qMin, qMax)
 *
 * @param accumulator An int32.
 * @param output Which output it is of.
 * @param to Multipliers and limits.
 * @param kind Which multiplier to use.
 * @returns A code from qMin to qMax.
 */
export function requantize(
  accumulator: number,
  output: number,
  to: Requantization,
  kind: RequantizationKind,
): number {
  const steps = rescale(accumulator, output, to, kind);
  return Math.min(Math.max(steps + to.zeroPoint, to.qMin), to.qMax);
}
