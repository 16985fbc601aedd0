import type { CrossMoments } from "./accumulate_moments.ts";
import { cholesky, solveCholesky } from "./cholesky.ts";
import { dampedFactor, type Damping } from "./damped_factor.ts";
import { requireFinite } from "../finite.ts";
import { constantInputs, type LayerHessian } from "./hessian.ts";
import { hessianGroupOf } from "./weight_rows.ts";

/** A weight that makes up for the errors of earlier layers. */
export interface MatchedTarget {
  /** T, in the layout of the weight. */
  readonly target: Float32Array<ArrayBuffer>;
  /** What each group's Hessian was damped by: what was asked for, or more. */
  readonly damping: readonly Damping[];
}

/**
 * Finds the weight that, fed by a network whose earlier layers are quantized, gives what the original
 * weight gives in the original network.
 *
 *     T = argmin sum |W x'_n - T x_n|^2 + lambda |W - T|^2 = (W C + lambda W)(H + lambda I)^-1
 *
 * with C = 2 / N sum x'_n x_n^T. So later layers make up for the errors of earlier ones; what is
 * quantized then is T. It is the objective of asymmetric calibration, solved by ridge regression. Where
 * both networks give the same inputs, T = W.
 *
 * @param weight W, row-major, outputs first.
 * @param shape `[outputs, ...]`.
 * @param hessian H, of the inputs x that the quantized network gives.
 * @param cross C, against the inputs x' of the original network; centered if H is.
 * @param percent lambda as a share of the mean diagonal of H; 0.01 if left out.
 * @returns T, and the damping used.
 * @throws {RangeError} If the sizes do not fit, a number is not finite, or H has a negative diagonal.
 * @see Li et al. 2025 (GPTAQ), arXiv:2504.02692
 */
export function matchTarget(
  weight: Float32Array,
  shape: readonly number[],
  hessian: LayerHessian,
  cross: CrossMoments,
  percent: number = 0.01,
): MatchedTarget {
  const { inputs, groups } = hessian;
  const [rows] = shape;
  const groupOf = hessianGroupOf({ rows, inputs: weight.length / rows }, hessian);
  const square = inputs * inputs;
  if (cross.values.length !== groups * square) {
    throw new RangeError(
      `Cannot match a target: cross moments must be of ${groups} groups of ${inputs} inputs: there ` +
        `are ${cross.values.length} products`,
    );
  }
  requireFinite("match a target", "the weight", weight);
  requireFinite("match a target", "cross moments", cross.values);
  const systems = Array.from(
    { length: groups },
    (_, group) => dampedFactor(hessian, group, percent, (damped) => cholesky(damped, inputs)),
  );
  const target = new Float32Array(weight.length);
  for (let row = 0; row < rows; row++) {
    const group = groupOf(row);
    const { damping, factor: lower } = systems[group];
    const w = weight.subarray(row * inputs, (row + 1) * inputs);
    const right = Float64Array.from(w, (value) => damping.used * value);
    for (let i = 0; i < inputs; i++) {
      if (w[i] === 0) continue;
      const from = group * square + i * inputs;
      for (let j = 0; j < inputs; j++) right[j] += w[i] * cross.values[from + j];
    }
    target.set(solveCholesky(lower, inputs, right), row * inputs);
  }
  return { target, damping: systems.map(({ damping }) => damping) };
}

/**
 * Takes the means out of cross moments, as {@link centerHessian} does for a Hessian: what comes with an
 * input that never changes becomes 0, not what rounding left of it.
 *
 *     C' = 2 / N sum (x'_n - mu')(x_n - mu)^T = C - 2 mu' mu^T
 *
 * @param cross Against the inputs of another network.
 * @param hessian Of the layer's own inputs, which has their means.
 * @returns The same less both means.
 */
export function centerCross(cross: CrossMoments, hessian: LayerHessian): CrossMoments {
  const { inputs, mean } = hessian;
  const constant = new Set(constantInputs(hessian));
  const values = cross.values.map((value, at) => {
    const a = Math.floor(at / inputs); // group and input
    const b = Math.floor(a / inputs) * inputs + at % inputs;
    return constant.has(b) ? 0 : value - 2 * cross.mean[a] * mean[b];
  });
  return { ...cross, values };
}
