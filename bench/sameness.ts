import type { SampledOutput } from "./peers/protocol.ts";

/**
 * Tells how far two sides' outputs are from each other.
 *
 * Sampled elements and the sum of squares are compared, both beside the root mean square of the
 * output, so that elements near 0 do not ask for more digits than float32 has.
 *
 * @param ours Samples of our outputs, by name.
 * @param theirs Samples of a peer's outputs, by name.
 * @returns The largest difference, as a share of the root mean square; infinite if an output is
 *   missing, has another length or holds what is not finite.
 */
export function largestDifference(
  ours: Readonly<Record<string, SampledOutput>>,
  theirs: Readonly<Record<string, SampledOutput>>,
): number {
  let largest = 0;
  for (const name of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const [a, b] = [ours[name], theirs[name]];
    if (a === undefined || b === undefined || a.length !== b.length) return Infinity;
    const scale = Math.max(Number.MIN_VALUE, Math.sqrt(a.sumOfSquares / a.length));
    const squares = Math.abs(a.sumOfSquares - b.sumOfSquares) / a.length / scale ** 2;
    const elements = a.indices.map((index, i) =>
      index === b.indices[i] ? Math.abs(a.values[i] - b.values[i]) / scale : Infinity
    );
    const differences = [squares, ...elements];
    if (differences.some(Number.isNaN)) return Infinity;
    largest = Math.max(largest, ...differences);
  }
  return largest;
}
