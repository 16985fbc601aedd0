import { formatRate } from "./columns.ts";

/** What is to be reached; every part that is there. */
export interface Target {
  /** GFLOP/s on a software adapter. */
  readonly gflops?: number;
  /** Share of the measured copy rate, 0 to 1. */
  readonly copyShare?: number;
  /** Times as fast as jax-js. */
  readonly overJax?: number;
  /** Times as fast as the best of the peers. */
  readonly overBetter?: number;
  /** Times as fast as PyTorch on two threads. */
  readonly overPyTorch?: number;
  /** Times as fast as PyWavelets on one thread. */
  readonly overPyWavelets?: number;
  /** Time as a multiple of that of our forward pass of the same shape: this much at most. */
  readonly timesForward?: number;
}

/** What was reached of each part; undefined if it was not measured or says nothing. */
export type Reached = Readonly<Record<keyof Target, number | undefined>>;

/** Parts where less is better. */
const LIMITS: readonly (keyof Target)[] = ["timesForward"];

/**
 * Tells whether a target is met.
 *
 * @param target What is to be reached.
 * @param reached What was.
 * @param isSoftware Whether GFLOP/s count: they are promised for software adapters.
 * @returns False if a part is not met, undefined if a part could not be measured.
 */
export function isMet(
  target: Target,
  reached: Partial<Reached>,
  isSoftware: boolean,
): boolean | undefined {
  const parts = (Object.keys(target) as (keyof Target)[])
    .filter((part) => part !== "gflops" || isSoftware)
    .map((part) => {
      const value = reached[part];
      if (value === undefined) return undefined;
      return LIMITS.includes(part) ? value <= target[part]! : value >= target[part]!;
    });
  if (parts.includes(false)) return false;
  return parts.includes(undefined) ? undefined : true;
}

/** How each part is written, in the order of a cell. */
const WORDS: Readonly<Record<keyof Target, (value: number) => string>> = {
  gflops: (value) => `${value} GFLOP/s`,
  copyShare: (value) => `${100 * value} % of copy`,
  overJax: (value) => `${value}x jax-js`,
  overBetter: (value) => `${value}x better`,
  overPyTorch: (value) => `${value}x PyTorch`,
  overPyWavelets: (value) => `${value}x PyWavelets`,
  timesForward: (value) => `${value}x forward`,
};

/**
 * Writes a target for a person.
 *
 * @param target What is to be reached.
 * @returns Such as `22 GFLOP/s, 4x better`.
 */
export function formatTarget(target: Target): string {
  return (Object.keys(WORDS) as (keyof Target)[]).flatMap((part) => {
    const value = target[part];
    return value === undefined ? [] : [WORDS[part](value)];
  }).join(", ");
}

/**
 * Writes what was reached beside the factors over peers, which have columns of their own.
 *
 * @param reached What was.
 * @returns Such as `31.4 GFLOP/s, 1.2x forward`.
 */
export function formatReached({ gflops, copyShare, timesForward }: Reached): string {
  return [
    gflops === undefined ? [] : [`${formatRate(gflops)} GFLOP/s`],
    copyShare === undefined ? [] : [`${(100 * copyShare).toFixed(0)} % of copy`],
    timesForward === undefined ? [] : [`${timesForward.toFixed(2)}x forward`],
  ].flat().join(", ");
}
