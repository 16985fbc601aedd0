/**
 * A mistake of the person at the keyboard: an unknown name, a bad file, an option out of range.
 *
 * The command line prints its message on one line, without a stack trace, and exits with code 2.
 */
export class UserError extends Error {
  /** Name of the class. */
  override readonly name: string = "UserError";
}

/** Levenshtein distance between two words, in edits. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, previous[j] + 1, current[j - 1] + 1));
    }
    previous = current;
  }
  return previous[b.length];
}

/**
 * Finds the allowed word closest to the one that was typed, for "did you mean" in an error.
 *
 * @param word What was typed.
 * @param allowed Every word that would have been accepted.
 * @returns The closest allowed word, or `undefined` if none is within half of the word's length.
 *
 * @see Levenshtein 1966, Soviet Physics Doklady 10(8)
 */
export function nearest(word: string, allowed: readonly string[]): string | undefined {
  const ranked = allowed
    .map((candidate) => ({
      candidate,
      distance: editDistance(word.toLowerCase(), candidate.toLowerCase()),
    }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(1, word.length / 2) ? best.candidate : undefined;
}

/**
 * Makes the error for a name that is not one of a fixed set.
 *
 * @param what What the name stands for, such as `wavelet`.
 * @param asked The name that was asked for.
 * @param allowed Every name that exists.
 * @returns An error that lists what is allowed and, where one is close, a near match.
 */
export function unknownName(what: string, asked: string, allowed: readonly string[]): UserError {
  const near = nearest(asked, allowed);
  const hint = near === undefined ? "" : `: did you mean "${near}"?`;
  return new UserError(
    `Cannot find ${what} "${asked}": known are ${allowed.join(", ")}${hint}`,
  );
}
