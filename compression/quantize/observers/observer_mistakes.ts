import type { ObserverSpec } from "./spec.ts";

/**
 * Lists what is wrong with the numbers of an observer.
 *
 * @param observer How a range is found.
 * @returns What must be how, and what it is; empty if all is well.
 */
export function observerMistakes(observer: ObserverSpec): string[] {
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
      if (Number.isFinite(low) && Number.isFinite(high) && low <= high) return [];
      return [`a fixed range must be finite and not fall: from ${low} to ${high}`];
    }
    default:
      return [];
  }
}
