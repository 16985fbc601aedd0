/** How the learning rate changes over a run; frozen data, part of a trial. */
export type Schedule =
  /** The same rate throughout. */
  | { readonly kind: "constant" }
  /**
   * Half a cosine from the rate down to `finalFraction` of it.
   * Loshchilov and Hutter 2017, arXiv:1608.03983.
   */
  | { readonly kind: "cosine"; readonly finalFraction: number }
  /** Up to the rate during the `warmup` share of the run, then down to almost 0, both as cosines. */
  | { readonly kind: "one_cycle"; readonly warmup: number };

/** Names of the schedules. */
export const SCHEDULES: readonly Schedule["kind"][] = ["constant", "cosine", "one_cycle"];

/** A one-cycle run starts at the peak rate over this, as PyTorch's default does. */
const START_DIVISOR = 25;
/** ... and ends at the starting rate over this. */
const END_DIVISOR = 1e4;

/** Goes from `from` to `to` along half a cosine. */
function anneal(from: number, to: number, progress: number): number {
  return to + (from - to) * (1 + Math.cos(Math.PI * progress)) / 2;
}

/**
 * The learning rate of one step.
 *
 * @param schedule The schedule.
 * @param peak The largest rate.
 * @param step Counted from 0.
 * @param steps Steps of the whole run, at least 1.
 * @returns The rate.
 * @see Smith and Topin 2018, arXiv:1708.07120 (one-cycle)
 */
export function learningRateAt(
  schedule: Schedule,
  peak: number,
  step: number,
  steps: number,
): number {
  switch (schedule.kind) {
    case "constant":
      return peak;
    case "cosine":
      return anneal(peak, schedule.finalFraction * peak, step / steps);
    case "one_cycle": {
      const start = peak / START_DIVISOR;
      // as in PyTorch, the peak is the last step of the warmup, and the last step has the last rate
      const top = schedule.warmup * steps - 1;
      const last = steps - 1;
      if (step < top) return anneal(start, peak, step / top);
      return anneal(peak, start / END_DIVISOR, last > top ? (step - top) / (last - top) : 0);
    }
  }
}
