import { rangeFault } from "../affine.ts";
import { MAGNITUDE_BINS, MOST_ENTROPY_BITS } from "./magnitude_bins.ts";
import type { ObserverSpec } from "./spec.ts";

/**
 * Lists what is wrong with the numbers of an observer.
 *
 * @param observer How a range is found.
 * @param bits Of the grid that the range is for, if they are known.
 * @returns What must be how, and what it is; empty if all is well.
 */
export function observerMistakes(observer: ObserverSpec, bits?: number): string[] {
  switch (observer.kind) {
    case "movingAverage": {
      const { momentum } = observer;
      if (momentum > 0 && momentum <= 1) return [];
      return [`the momentum of ranges must be more than 0 and at most 1: ${momentum}`];
    }
    case "percentile": {
      const { percentile } = observer;
      if (percentile > 50 && percentile <= 100) return [];
      return [`the percentile of ranges must be more than 50 and at most 100: ${percentile}`];
    }
    case "fixed": {
      const { low, high } = observer.range;
      const fault = rangeFault(observer.range);
      return fault === undefined ? [] : [`a fixed range must ${fault}: from ${low} to ${high}`];
    }
    case "entropy": {
      if (bits === undefined || bits <= MOST_ENTROPY_BITS) return [];
      return [
        `entropy looks at ${MAGNITUDE_BINS} bins, enough for at most ${MOST_ENTROPY_BITS} bits: ${bits}`,
      ];
    }
    case "minMax":
    case "meanSquaredError":
      return [];
  }
}

/**
 * Refuses an observer whose numbers are wrong.
 *
 * @param observer How a range is found.
 * @param bits Of the grid that the range is for.
 * @param label Whose range it is, for the error.
 * @throws {RangeError} If something is wrong, with the first of {@link observerMistakes}.
 */
export function checkObserver(observer: ObserverSpec, bits: number, label: string): void {
  const [mistake] = observerMistakes(observer, bits);
  if (mistake === undefined) return;
  throw new RangeError(`Cannot find the range of "${label}": ${mistake}`);
}
