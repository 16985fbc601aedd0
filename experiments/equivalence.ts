import { mean, standardDeviation } from "./statistics.ts";
import { studentTUpperTail } from "./student_t.ts";

/**
 * Tests whether paired differences are so small that they do not matter: two one-sided t tests (TOST).
 *
 *     p = max(P(T > (m + margin) / (s / sqrt(n))), P(T < (m - margin) / (s / sqrt(n))))
 *
 * A small p says that the mean lies within the margin; a large one says nothing, least of all that there
 * is a difference. p < 0.05 is the same as a 90 % interval of the mean inside the margin.
 *
 * @param differences One a seed, any unit.
 * @param margin Largest difference that does not matter, above 0, in the same unit.
 * @returns The larger of the two p-values; 1 for fewer than two differences, or where all are the same, such
 *   as those of collapsed networks: there is no variance to test with.
 * @throws {RangeError} If the margin is not above 0.
 *
 * @see Schuirmann 1987, doi:10.1007/BF01068419
 */
export function equivalenceTest(differences: readonly number[], margin: number): number {
  if (!(margin > 0)) {
    throw new RangeError(`Cannot test for equivalence: the margin must be above 0: ${margin}`);
  }
  const n = differences.length;
  if (n < 2) return 1;
  const center = mean(differences);
  const error = standardDeviation(differences) / Math.sqrt(n);
  if (error === 0) return 1;
  const above = studentTUpperTail((center + margin) / error, n - 1);
  const below = studentTUpperTail((margin - center) / error, n - 1);
  return Math.max(above, below);
}
