import type { WeightGridOptions } from "../grids/options.ts";
import type { CalibratedLayer, QuantizedLayer } from "./calibrated_layer.ts";
import { coordinateDescent } from "./coordinate_descent.ts";
import { withCorrectedBias } from "./correct_bias.ts";
import { gptq } from "./gptq.ts";
import { centerHessian, dampHessian, type DampingOptions } from "./hessian.ts";
import { centerCross, matchTarget } from "./match_target.ts";
import { chooseWeightedGrids } from "./weighted_grids.ts";

/** How layers are quantized by their Hessians; frozen data, part of a trial. */
export interface SecondOrderRecipe {
  /** Kind of grid, granularity and observer. */
  readonly grids: WeightGridOptions;
  /** Of the Hessian; 0.01 of the mean diagonal and act-order if left out. */
  readonly damping?: DampingOptions;
  /** Sweeps of coordinate descent after GPTQ, with levels of codebooks fitted; 0 if left out. */
  readonly sweeps?: number;
}

/**
 * Quantizes one layer by everything its calibration says, in the order that works best for few bits.
 *
 * 1. Means are taken out of the Hessian, as the bias can make up for them.
 * 2. The weight becomes what makes up for the layers before ({@link matchTarget}).
 * 3. Grids are chosen by the diagonal of the Hessian ({@link chooseWeightedGrids}).
 * 4. Codes are found by {@link gptq} and refined by {@link coordinateDescent}.
 * 5. The bias takes what is left of the mean error ({@link withCorrectedBias}).
 *
 * A layer without a bias skips 1 and 5; one without cross moments skips 2.
 *
 * @param layer Weight, bias and moments.
 * @param recipe Grids, damping and sweeps.
 * @returns Codes, grids, the new bias, and the most that 2 or 4 damped by.
 * @throws {RangeError} If the sizes do not fit, or a number is not finite.
 * @see Frantar et al. 2022, arXiv:2210.17323; the steps name their own papers
 */
export function quantizeBySecondOrder(
  { weight, shape, bias, moments }: CalibratedLayer,
  { grids: options, damping: how = {}, sweeps = 0 }: SecondOrderRecipe,
): QuantizedLayer {
  const { cross } = moments;
  const isCentered = bias !== undefined;
  const hessian = isCentered ? centerHessian(moments.hessian) : moments.hessian;
  const matched = cross && matchTarget(
    weight,
    shape,
    hessian,
    isCentered ? centerCross(cross, moments.hessian) : cross,
    how.percent,
  );
  const target = matched?.target ?? weight;
  const grids = chooseWeightedGrids(target, shape, hessian, options);
  const { quantized: first, damping: own } = gptq(target, shape, grids, hessian, how);
  const damped = dampHessian(hessian, own.map(({ used }) => used));
  const damping = own.map((one, g) => {
    const other = matched?.damping[g];
    return other !== undefined && other.used > one.used ? other : one;
  });
  const quantized = sweeps === 0 ? first : coordinateDescent(target, first, damped, { sweeps });
  return { ...withCorrectedBias({ weight, shape, bias, moments }, quantized), damping };
}
