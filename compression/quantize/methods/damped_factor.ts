import { requireFinite } from "../finite.ts";
import type { LayerHessian } from "./hessian.ts";

/** What was added to the diagonal of a Hessian, in units of H. */
export interface Damping {
  /** By the share that was asked for. */
  readonly asked: number;
  /** What it took until the Hessian was positive definite: as much, or more. */
  readonly used: number;
}

/** The smallest damping that is tried where none was asked for, as a share of the mean diagonal. */
const LEAST = 1e-10;

/**
 * Damps the Hessian of one group until it can be factored.
 *
 *     H + lambda I,   lambda = percent mean(diag(H)), then ten times as much again and again
 *
 * Fewer samples than inputs, or inputs that depend on each other, make a Hessian singular, and float32
 * sums make it indefinite by a little. A matrix of second moments has |H_ij| <= sqrt(H_ii H_jj), so
 * `inputs` times its mean diagonal is always enough; what takes more is no such matrix.
 *
 * @param hessian Of a layer.
 * @param group Which of its groups.
 * @param percent What is added at first, as a share of the mean diagonal, or of 1 if that is 0.
 * @param factorOf Factors H + lambda I, row-major `[inputs, inputs]`, or gives `undefined` if that is
 *   not positive definite.
 * @returns What `factorOf` gave at last, and the damping that it took.
 * @throws {RangeError} If an element is not finite, one of the diagonal negative, the damping negative,
 *   or no damping is enough.
 */
export function dampedFactor<Factor>(
  hessian: LayerHessian,
  group: number,
  percent: number,
  factorOf: (damped: Float64Array<ArrayBuffer>) => Factor | undefined,
): { readonly factor: Factor; readonly damping: Damping } {
  if (!(percent >= 0 && percent < Infinity)) {
    throw new RangeError(
      `Cannot damp a Hessian: the share of its diagonal must be at least 0: it is ${percent}`,
    );
  }
  const { groups, inputs, values } = hessian;
  const block = values.subarray(group * inputs * inputs, (group + 1) * inputs * inputs);
  const action = `factor a Hessian${groups === 1 ? "" : ` of group ${group}`}`;
  requireFinite(action, "its elements", block);
  let mean = 0;
  for (let at = 0; at < block.length; at += inputs + 1) {
    if (block[at] < 0) {
      throw new RangeError(
        `Cannot ${action}: no element of its diagonal may be negative: element ${at} is ${
          block[at]
        }`,
      );
    }
    mean += block[at] / inputs;
  }
  const unit = mean || 1; // nothing but 0: the identity
  for (let share = percent;; share = Math.max(share * 10, LEAST)) {
    const used = share * unit;
    const damped = block.slice();
    for (let at = 0; at < damped.length; at += inputs + 1) damped[at] += used;
    const factor = factorOf(damped);
    if (factor !== undefined) return { factor, damping: { asked: percent * unit, used } };
    if (share >= inputs) {
      throw new RangeError(
        `Cannot ${action}: it must be of second moments, which damping makes positive definite: ` +
          `damped by ${share} times its mean diagonal it is not`,
      );
    }
  }
}
