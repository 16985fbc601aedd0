import { formatShape, reshape, run, type Tensor } from "../../gpu/mod.ts";
import { channelMode, softRoundKernels as kernels, softRoundParams } from "../../kernels/mod.ts";
import { differentiable } from "../tape.ts";

/** The two levels beside every weight, and what scales them. */
export interface NeighborLevels {
  /** The level below, in units of the weight, `[channels..., inner...]`. */
  readonly low: Tensor;
  /** The level above, of the same shape. */
  readonly high: Tensor;
  /** Scales all levels of a group of weights, `[channels]` in any shape; below 2^-10 it counts as that. */
  readonly factor: Tensor;
}

/**
 * Holds every weight between the two levels beside it, as far up as a rectified sigmoid says: rounding
 * that can be learned.
 *
 *     w = factor (low + h(v) (high - low)),   h(v) = clamp(1.2 sigmoid(v) - 0.1, 0, 1)
 *
 * Differentiable by `v` and by `factor`: a group learns where its weights go and how large its step is.
 *
 * @param v What decides, of the shape of `low`.
 * @param levels Levels and factors; groups are runs of consecutive weights.
 * @returns Weights, of the shape of `v`.
 * @throws {RangeError} If the levels do not have the size of `v`, or fall into unequal groups.
 * @see Nagel et al. 2020, arXiv:2004.10568, equations 22 and 23
 */
export function softRound(v: Tensor, { low, high, factor }: NeighborLevels): Tensor {
  const channels = factor.size;
  const inner = v.size / channels;
  if (low.size !== v.size || high.size !== v.size || !Number.isInteger(inner)) {
    throw new RangeError(
      `Cannot round softly: v and both levels must be of one size and fall into ${channels} equal ` +
        `groups: v is ${formatShape(v.shape)}, low ${formatShape(low.shape)}, high ` +
        formatShape(high.shape),
    );
  }
  const params = softRoundParams({ channels, inner });
  const constants = { CHANNELS: channelMode(channels, inner) };
  const made = run(kernels.forward, { v, low, high, factor }, params, { constants });
  const w = reshape(made.w, v.shape);
  return differentiable(w, [v, factor], (dw, [wantV, wantFactor]) => {
    let dv, dFactor: Tensor | undefined;
    if (wantV !== undefined) {
      const into = wantV.into && { dv: wantV.into };
      const options = { constants, ...into && { into } };
      dv = run(kernels.backward, { v, low, high, factor, dw }, params, options).dv;
    }
    if (wantFactor !== undefined) {
      const into = wantFactor.into && { dFactor: wantFactor.into };
      const inputs = { weights: w, dWeights: dw, factor };
      const { isSoftware } = v.device;
      dFactor = run(kernels.factorGradient, inputs, params, {
        constants: { ...constants, LANES: isSoftware ? 8 : 64 },
        ...into && { into },
      }).dFactor;
    }
    return [dv && reshape(dv, v.shape), dFactor && reshape(dFactor, factor.shape)];
  });
}

/** How strongly weights are driven to a level, and how the strength changes. */
export interface PenaltySchedule {
  /** `u32 [1]`: steps done. */
  readonly clock: Tensor;
  /** `[steps, 2]`: weight and beta of every step; past the end the last row holds. */
  readonly schedule: Tensor;
}

/**
 * Penalizes weights that are not at a level yet.
 *
 *     r = weight (1 - |2 h(v) - 1|^beta)
 *
 * With a large beta only weights beside a level feel it, and as beta falls all are driven to the
 * nearest one. Weight and beta are looked up by the step number, so a recorded program anneals.
 *
 * @param v What decides, any shape.
 * @param options Step number and schedule.
 * @returns One penalty a weight, of the shape of `v`; the objective takes their sum.
 * @see Nagel et al. 2020, arXiv:2004.10568, equation 24
 */
export function roundingPenalty(v: Tensor, { clock, schedule }: PenaltySchedule): Tensor {
  const params = softRoundParams({ channels: 1, inner: v.size, steps: schedule.size / 2 });
  const { r } = run(kernels.penalty, { v, clock, schedule }, params);
  return differentiable(reshape(r, v.shape), [v], (dr, [wanted]) => {
    const into = wanted?.into && { dvOfPenalty: wanted.into };
    const made = run(kernels.penaltyGradient, { v, clock, schedule, dr }, params, {
      ...into && { into },
    });
    return [reshape(made.dvOfPenalty, v.shape)];
  });
}
