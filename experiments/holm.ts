/**
 * Adjusts p-values for how many were looked at, so that the chance of even one false finding among all
 * stays below the level that they are read at.
 *
 *     adjusted of the i-th smallest of m = max over k <= i of min(1, (m - k + 1) p_k)
 *
 * Holds however the tests depend on each other.
 *
 * @param pValues Of one family of tests, in [0, 1].
 * @returns Adjusted p-values in the same order.
 * @see Holm 1979, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a] - pValues[b]);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  order.forEach((place, rank) => {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * pValues[place]));
    adjusted[place] = largest;
  });
  return adjusted;
}
