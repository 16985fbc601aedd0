import { type QuantizedWeight, type Reach, reachOfGrid } from "../../compression/mod.ts";
import { differenceOf, noSums, type TensorDifference } from "./tensor_difference.ts";

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
  if (distinct > values.length / 2) return undefined;
  return levels.map((own) => reachOfGrid({ kind: "codebook", levels: own }));
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
