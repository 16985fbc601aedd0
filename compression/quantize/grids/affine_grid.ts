import {
  type AffineGrid,
  chooseQuantParams,
  type Range,
  scaleFor,
  widenToZero,
} from "../affine.ts";
import { powerOfTwoAbove } from "./power.ts";
import { checkGridSpec } from "./grid_mistakes.ts";
import type { AffineGridSpec } from "./spec.ts";
import { roundHalfEven } from "../../../kernels/mod.ts";

const { fround } = Math;

/**
 * Makes the grid of equal steps that spans a range.
 *
 *     asymmetric          s = (hi - lo) / (2^b - 1),                      z as in `chooseQuantParams`
 *     symmetric           s = max(-lo / 2^(b-1), hi / (2^(b-1) - 1)),     z = 0
 *     symmetric, narrow   s = max(-lo, hi) / (2^(b-1) - 1),               z = 0
 *     power of two        s = 2^ceil(log2 s)
 *
 * in float32. A symmetric scale is the smallest at which nothing in the range is clipped.
 *
 * @param range Smallest and largest value; widened to include 0.
 * @param spec Bits, symmetry and kind of scale.
 * @param label Whose values they are, for errors.
 * @returns Scale, its reciprocal, zero point and the codes' limits.
 * @throws {RangeError} If the bits are out of range, a symmetric grid has one bit only, an asymmetric one
 *   is narrow, or the range is not finite or wider than 2^120.
 * @see Jacob et al. 2018, arXiv:1712.05877; Nagel et al. 2021, arXiv:2106.08295, section 2.2
 */
export function affineGrid(range: Range, spec: AffineGridSpec, label?: string): AffineGrid {
  checkGridSpec(spec, label);
  const isPower = spec.scale === "powerOfTwo";
  if (!spec.symmetric) {
    const grid = chooseQuantParams(range, spec.bits, label);
    if (!isPower) return grid;
    const scale = powerOfTwoAbove(grid.scale);
    const zero = roundHalfEven(fround(-widenToZero(range).low / scale));
    return { ...grid, scale, inverseScale: 1 / scale, zeroPoint: Math.min(zero, grid.qMax) };
  }
  const wide = widenToZero(range, label);
  const qMax = 2 ** (spec.bits - 1) - 1;
  const qMin = spec.narrow ? -qMax : -qMax - 1;
  const step = scaleFor(Math.max(fround(wide.low / qMin), fround(wide.high / qMax)), wide);
  const scale = isPower ? powerOfTwoAbove(step) : step;
  return { kind: "affine", scale, inverseScale: fround(1 / scale), zeroPoint: 0, qMin, qMax };
}
