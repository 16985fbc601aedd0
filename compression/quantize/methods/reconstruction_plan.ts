import { hasPowerOfTwoScale, type WeightGridSpec } from "../grids/spec.ts";

/** How roundings and scales are learned; frozen data, part of a trial. */
export interface ReconstructionPlan {
  /** Steps of Adam. */
  readonly steps: number;
  /** Learning rate of what decides a rounding, falling to 0 as a cosine. */
  readonly roundingRate: number;
  /**
   * Learning rate of scales, of weights and of activations, as a share of them; falls likewise. 0 leaves
   * them as they are.
   */
  readonly scaleRate: number;
  /** What drives every weight to a level. */
  readonly penalty: {
    /**
     * Lambda: the penalty of a network whose weights are all half way between two levels, as a multiple
     * of the error of a block that gives nothing but 0.
     */
    readonly weight: number;
    /** Share of the steps without it. */
    readonly warmUp: number;
    /** Beta at first, with which only weights beside a level feel it. */
    readonly betaFrom: number;
    /** Beta at last. */
    readonly betaTo: number;
  };
  /**
   * Share of the elements of an activation that are not quantized in a step, drawn anew at each (QDrop);
   * none if left out.
   */
  readonly dropRate?: number;
}

/**
 * Makes a plan; what is left out is what did best on small classifiers of 2 bits.
 *
 * A plan of a few hundred steps needs a penalty of a tenth, or a higher rate: roundings must have time
 * to move before they are driven to a level.
 *
 * @param options What differs: the penalty as a whole or in parts.
 * @returns Frozen data.
 * @throws {RangeError} If a number is out of range.
 */
export function reconstructionPlan(
  options: Partial<Omit<ReconstructionPlan, "penalty">> & {
    readonly penalty?: Partial<ReconstructionPlan["penalty"]>;
  } = {},
): ReconstructionPlan {
  const plan = {
    steps: 2000,
    roundingRate: 1e-2,
    scaleRate: 1e-3,
    ...options,
    penalty: Object.freeze({
      weight: 400,
      warmUp: 0.2,
      betaFrom: 20,
      betaTo: 2,
      ...options.penalty,
    }),
  };
  checkReconstructionPlan(plan);
  return Object.freeze(plan);
}

/**
 * Lists what is wrong with the numbers of a plan.
 *
 * @param plan How roundings are learned.
 * @param grids Of weights and activations, where they are known.
 * @returns What must be how, and what it is; empty if all is well.
 */
export function reconstructionMistakes(
  plan: ReconstructionPlan,
  grids: readonly WeightGridSpec[] = [],
): string[] {
  const { steps, roundingRate, scaleRate, penalty, dropRate = 0 } = plan;
  const { weight, warmUp, betaFrom, betaTo } = penalty;
  const isRate = (rate: number) => rate >= 0 && rate < 1;
  const wanted: readonly (readonly [fits: boolean, what: string, found: number])[] = [
    [Number.isInteger(steps) && steps >= 1, "steps must be a whole number of at least 1:", steps],
    [
      roundingRate > 0 && roundingRate < Infinity,
      "the rounding rate must be above 0:",
      roundingRate,
    ],
    [isRate(scaleRate), "the scale rate must be from 0 to less than 1:", scaleRate],
    [
      !(scaleRate > 0 && grids.some(hasPowerOfTwoScale)),
      "the scale rate must be 0, as a power of two cannot learn:",
      scaleRate,
    ],
    [isRate(dropRate), "the drop rate must be from 0 to less than 1:", dropRate],
    [weight >= 0 && weight < Infinity, "the penalty's weight must be at least 0:", weight],
    [isRate(warmUp), "the warm-up must be from 0 to less than 1:", warmUp],
    [betaTo >= 1, "beta must be at least 1:", betaTo],
    [betaFrom >= betaTo, "beta must not rise: it starts at", betaFrom],
  ];
  return wanted.filter(([fits]) => !fits).map(([, what, found]) => `${what} ${found}`);
}

/**
 * Refuses a plan that cannot be carried out.
 *
 * @param plan How roundings are learned.
 * @throws {RangeError} If a number is out of range, with what it must be.
 */
export function checkReconstructionPlan(plan: ReconstructionPlan): void {
  const [mistake] = reconstructionMistakes(plan);
  if (mistake !== undefined) throw new RangeError(`Cannot reconstruct: ${mistake}`);
}

/** Moments of Adam: the paper's. */
export const ADAM: Readonly<{ beta1: number; beta2: number; epsilon: number }> = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
};

/**
 * Computes what every step of Adam needs to know, in float64, once.
 *
 * @param rate Learning rate at first; it falls to 0 as a cosine.
 * @param steps Steps in all.
 * @returns `[steps, 4]`, as the kernel of Adam reads it.
 */
export function adamTable(rate: number, steps: number): Float32Array<ArrayBuffer> {
  const table = new Float32Array(4 * steps);
  for (let step = 0; step < steps; step++) {
    table.set([
      rate * (1 + Math.cos(Math.PI * step / steps)) / 2,
      1 / (1 - ADAM.beta1 ** (step + 1)),
      1 / Math.sqrt(1 - ADAM.beta2 ** (step + 1)),
    ], 4 * step);
  }
  return table;
}

/**
 * Computes weight and beta of the penalty at every step.
 *
 * Without it at first, so that weights find out where they would like to be; then beta falls as half a
 * cosine.
 *
 * @param plan Steps and penalty.
 * @param unit What lambda is a multiple of.
 * @param weights Weights of a network, which share the penalty.
 * @returns `[steps, 2]`, as the kernel of the penalty reads it.
 * @see Nagel et al. 2020, arXiv:2004.10568, section 4.1
 */
export function penaltyTable(
  { steps, penalty }: ReconstructionPlan,
  unit: number,
  weights: number,
): Float32Array<ArrayBuffer> {
  const { weight, warmUp, betaFrom, betaTo } = penalty;
  const table = new Float32Array(2 * steps);
  for (let step = 0; step < steps; step++) {
    const done = (step / steps - warmUp) / (1 - warmUp);
    const beta = betaTo + (betaFrom - betaTo) * (1 + Math.cos(Math.PI * Math.max(done, 0))) / 2;
    table.set([done > 0 ? weight * unit / weights : 0, beta], 2 * step);
  }
  return table;
}
