/** What tells the kept numbers from the dropped ones. */
export interface Selection {
  /** Largest magnitude that is dropped; 0 if none is. */
  readonly magnitude: number;
  /** Among numbers of exactly that magnitude, those at an index below this one are kept. */
  readonly tiesBelow: number;
  /** How many are kept. */
  readonly kept: number;
}

/**
 * Turns a keep ratio into a count.
 *
 * @param keep Share to keep, in (0, 1].
 * @param total How many there are, at least 1.
 * @returns `keep * total`, rounded, and at least 1.
 * @throws {RangeError} If the ratio is out of range.
 */
export function keepCount(keep: number, total: number): number {
  if (!(keep > 0 && keep <= 1)) {
    throw new RangeError(
      `Cannot keep a share of ${total} numbers: it must be above 0 and at most 1: it is ${keep}`,
    );
  }
  return Math.max(1, Math.round(keep * total));
}

/** Counts the elements of an ascending array that are at most `limit`. */
function countUpTo(sorted: Float32Array, limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Finds the index behind the n-th element of a given magnitude; 0 for none. */
function indexBehind(magnitudes: Float32Array, magnitude: number, nth: number): number {
  let index = 0;
  for (let seen = 0; seen < nth; index++) {
    if (magnitudes[index] === magnitude) seen++;
  }
  return index;
}

/**
 * Selects the largest numbers by magnitude, so many exactly: of equals, those of lowest index.
 *
 * On the host, as a sort of a layer's 50,000 weights takes 5 ms, less than the wait for an answer
 * from the GPU, serves all counts at once and settles ties.
 *
 * @param values The numbers.
 * @param counts How many to keep, each from 1 to the count of the numbers.
 * @returns One selection a count.
 * @throws {RangeError} If a number is not finite, with its index, or a count is out of range.
 *
 * @example Three of five, two of which are equal
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const [selection] = selectLargest(Float32Array.of(1, -3, 2, -2, 2), [3]);
 * assert.deepEqual(selection, { magnitude: 2, tiesBelow: 4, kept: 3 });
 * ```
 */
export function selectLargest(values: Float32Array, counts: readonly number[]): Selection[] {
  const magnitudes = values.map(Math.abs);
  const bad = magnitudes.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(
      `Cannot select the largest numbers: number ${bad} must be finite: it is ${values[bad]}`,
    );
  }
  const sorted = magnitudes.toSorted();
  const total = sorted.length;
  return counts.map((kept) => {
    if (!Number.isInteger(kept) || kept < 1 || kept > total) {
      throw new RangeError(`Cannot select ${kept} of ${total} numbers: select 1 to ${total}`);
    }
    if (kept === total) return { magnitude: 0, tiesBelow: total, kept };
    const magnitude = sorted[total - 1 - kept];
    const ties = kept - (total - countUpTo(sorted, magnitude));
    return { magnitude, tiesBelow: indexBehind(magnitudes, magnitude, ties), kept };
  });
}
