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

/** From the accumulators of a layer to codes of the next layer's input. */
export interface Requantization {
  /** `[outputs]`: float32(s_x s_w / s_y). */
  readonly multipliers: Float32Array<ArrayBuffer>;
  /** `[outputs]`: s_x s_w / s_y in 31 bits and a shift. */
  readonly fixedPoints: readonly FixedPoint[];
  /** The code of 0. */
  readonly zeroPoint: number;
  /** Smallest code: that of 0 where a ReLU is folded in. */
  readonly qMin: number;
  /** Largest code. */
  readonly qMax: number;
}

/**
 * Chooses the multipliers of a requantization; s_x s_w / s_y is a float64 that is rounded once.
 *
 * @param accumulatorScales `[outputs]`: s_x s_w.
 * @param grid Of the next layer's input: s_y, zero point and limits.
 * @param relu Whether to fold a ReLU into the clamp.
 * @param layer Whose accumulators they are, for the error.
 * @returns Multipliers and limits.
 * @throws {RangeError} If a multiplier is 2^30 or more.
 * @see Jacob et al. 2018, arXiv:1712.05877, section 2.2
 */
export function requantization(
  accumulatorScales: Float64Array,
  grid: AffineGrid,
  relu: boolean,
  layer?: string,
): Requantization {
  const real = Array.from(accumulatorScales, (scale) => scale / grid.scale);
  const large = real.findIndex((multiplier) => multiplier >= 2 ** 30);
  if (large >= 0) {
    throw new RangeError(
      `Cannot ${
        withIntegers(layer)
      }: multipliers must be less than 2^30: that of output ${large} is ` +
        `${accumulatorScales[large]} / ${grid.scale}`,
    );
  }
  return {
    multipliers: new Float32Array(real),
    fixedPoints: real.map(toFixedPoint),
    zeroPoint: grid.zeroPoint,
    qMin: relu ? Math.max(grid.qMin, grid.zeroPoint) : grid.qMin,
    qMax: grid.qMax,
  };
}

/**
 * Requantizes one accumulator, on the host.
 *
 *     float        q = clamp(round(float32(float32(a) m)) + z, qMin, qMax)
 *     fixedPoint   q = clamp(multiplyByFixedPoint(a, m) + z, qMin, qMax)
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
  const steps = kind === "float"
    ? roundHalfEven(Math.fround(Math.fround(accumulator) * to.multipliers[output]))
    : multiplyByFixedPoint(accumulator, to.fixedPoints[output]);
  return Math.min(Math.max(steps + to.zeroPoint, to.qMin), to.qMax);
}
