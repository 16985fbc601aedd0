import type { Prepared } from "./peer.ts";

/** Milliseconds of wall clock, per repetition. */
export interface Timing {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  readonly repetitions: number;
}

/** Deno notices the end of GPU work at a poll every 10 ms or so: a sample must be long beside it. */
const SAMPLE_MILLISECONDS = 500;
const MIN_SAMPLES = 3;
/** Work so slow that the least number of samples takes this many times `seconds` gets fewer. */
const PATIENCE = 10;
const MAX_REPETITIONS = 20_000;

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

async function sample({ submit, wait }: Prepared, repetitions: number): Promise<number> {
  await wait();
  const start = performance.now();
  submit(repetitions);
  await wait();
  return performance.now() - start;
}

/**
 * Times work as the kernel bench does: many repetitions before each wait, nothing subtracted.
 *
 * A sample is a number of repetitions, submitted one after the other and ended by one wait for the
 * GPU. The number doubles, or grows up to eightfold, until a sample lasts 500 ms, so that the poll
 * that notices the end weighs little; samples are then taken until `seconds` have passed, and at
 * least three unless those would take ten times as long. The first repetition may compile and is not
 * timed.
 *
 * @param prepared The work.
 * @param seconds How long to measure at least.
 * @returns Median and 10th to 90th percentile over samples, per repetition.
 */
export async function timePrepared(prepared: Prepared, seconds: number): Promise<Timing> {
  await sample(prepared, 1);
  let repetitions = 1;
  let last = await sample(prepared, repetitions);
  while (last < SAMPLE_MILLISECONDS && repetitions < MAX_REPETITIONS) {
    const factor = Math.min(8, Math.max(2, Math.ceil(SAMPLE_MILLISECONDS / last)));
    repetitions = Math.min(MAX_REPETITIONS, repetitions * factor);
    last = await sample(prepared, repetitions);
  }
  const samples = [last / repetitions];
  const start = performance.now() - last;
  const elapsed = (): number => (performance.now() - start) / 1000;
  while (elapsed() < (samples.length < MIN_SAMPLES ? PATIENCE * seconds : seconds)) {
    samples.push(await sample(prepared, repetitions) / repetitions);
  }
  samples.sort((a, b) => a - b);
  return {
    median: quantile(samples, 0.5),
    p10: quantile(samples, 0.1),
    p90: quantile(samples, 0.9),
    repetitions: repetitions * samples.length,
  };
}
