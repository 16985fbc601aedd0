/**
 * Measures how far numbers are from those wanted, as a whole.
 *
 * @param found What was computed.
 * @param wanted What it should be, as many numbers.
 * @returns |found - wanted| / |wanted|, Euclidean norms; |found| where all wanted are 0.
 */
export function relativeError(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (found.length !== wanted.length) {
    throw new RangeError(
      `Cannot compare: lengths must be equal: found ${found.length}, wanted ${wanted.length}`,
    );
  }
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < wanted.length; i++) {
    difference += (found[i] - wanted[i]) ** 2;
    norm += wanted[i] ** 2;
  }
  return Math.sqrt(difference / (norm === 0 ? 1 : norm));
}
