import type { WeightGrid } from "../quantized_weight.ts";

/** Ends of what a grid can represent; values beyond are clipped. */
export interface Reach {
  /** Smallest value that is not clipped. */
  readonly low: number;
  /** Largest value that is not clipped. */
  readonly high: number;
}

/**
 * Finds what a grid can represent: from half a step below its lowest level to half a step above its
 * highest, a step being the distance to the next level. Farther out a value is not rounded but clipped.
 *
 * @param grid Of weights or activations; a single level has no step and reaches nowhere else.
 * @returns Its ends, in units of the real values.
 */
export function reachOfGrid(grid: WeightGrid): Reach {
  if (grid.kind === "affine") {
    const { qMin, qMax, zeroPoint, scale } = grid;
    return { low: (qMin - zeroPoint - 0.5) * scale, high: (qMax - zeroPoint + 0.5) * scale };
  }
  const { levels } = grid;
  const last = levels.length - 1;
  if (last === 0) return { low: levels[0], high: levels[0] };
  return {
    low: levels[0] - (levels[1] - levels[0]) / 2,
    high: levels[last] + (levels[last] - levels[last - 1]) / 2,
  };
}
