import type { QuantizedWeight, WeightGrid } from "../../compression/mod.ts";
import type { Reach } from "./difference_meter.ts";
import { differenceOf, noSums, type TensorDifference } from "./tensor_difference.ts";

/** Half a step beyond the outermost levels: farther out a value is not rounded but clipped. */
function reachOfLevels(levels: Float32Array): Reach {
  const last = levels.length - 1;
  // a single level says nothing of a step
  if (last === 0) return { low: levels[0], high: levels[0] };
  return {
    low: levels[0] - (levels[1] - levels[0]) / 2,
    high: levels[last] + (levels[last] - levels[last - 1]) / 2,
  };
}

/**
 * Finds what a grid can represent: from half a step below its lowest level to half a step above its
 * highest, a step being the distance to the next level.
 *
 * @param grid Of weights or activations.
 * @returns Its ends, in units of the real values.
 */
export function reachOfGrid(grid: WeightGrid): Reach {
  if (grid.kind === "codebook") return reachOfLevels(grid.levels);
  const { qMin, qMax, zeroPoint, scale } = grid;
  return { low: (qMin - zeroPoint - 0.5) * scale, high: (qMax - zeroPoint + 0.5) * scale };
}

/**
 * Finds what quantized weights can represent where only their values are known, as in a file.
 *
 * @param values The weight, row-major, output channels first.
 * @param channels Output channels.
 * @returns Ends for every channel; none unless at least half of all values repeat others, as those of
 *   weights do that were quantized.
 */
export function reachesOfValues(values: Float32Array, channels: number): Reach[] | undefined {
  const inner = values.length / channels;
  const levels = Array.from(
    { length: channels },
    (_, o) => Float32Array.from(new Set(values.subarray(o * inner, (o + 1) * inner))).sort(),
  );
  const distinct = levels.reduce((sum, { length }) => sum + length, 0);
  return distinct <= values.length / 2 ? levels.map(reachOfLevels) : undefined;
}

/**
 * Finds what a quantized weight can represent.
 *
 * @param weight Its grids.
 * @returns Ends for every group of consecutive weights.
 */
export function reachesOf({ grids }: QuantizedWeight): Reach[] {
  return grids.map(reachOfGrid);
}

/** Share of values that lie outside the reach of their group. */
function clippedShare(values: Float32Array, reaches: readonly Reach[]): number {
  const inner = values.length / reaches.length;
  let clipped = 0;
  for (const [i, value] of values.entries()) {
    const { low, high } = reaches[Math.floor(i / inner)];
    if (value < low || value > high) clipped++;
  }
  return clipped / values.length;
}

/**
 * Compares the weights, or biases, of two networks on the host, in float64.
 *
 * @param a What they should be, row-major, output channels first.
 * @param b What they are, likewise.
 * @param channels Output channels.
 * @param reaches What b can represent, by groups of consecutive values, if it is quantized.
 * @returns How far b is from a.
 */
export function compareWeights(
  a: Float32Array,
  b: Float32Array,
  channels: number,
  reaches?: readonly Reach[],
): TensorDifference {
  const inner = a.length / channels;
  const sums = Array.from({ length: channels }, noSums);
  for (let i = 0; i < a.length; i++) {
    const own = sums[Math.floor(i / inner)];
    const apart = a[i] - b[i];
    own.signal += a[i] ** 2;
    own.noise += apart ** 2;
    own.largest = Math.max(own.largest, Math.abs(apart));
    own.peakA = Math.max(own.peakA, Math.abs(a[i]));
    own.peakB = Math.max(own.peakB, Math.abs(b[i]));
  }
  return differenceOf(sums, reaches && clippedShare(a, reaches));
}
