import type { Device } from "./device.ts";

/** Time of one repetition, in milliseconds of wall clock. */
export interface Timing {
  /** Half of the samples are faster. */
  readonly median: number;
  /** A tenth of the samples are faster. */
  readonly p10: number;
  /** Nine tenths of the samples are faster. */
  readonly p90: number;
  /** Repetitions in all. */
  readonly repetitions: number;
}

/** A wait polls every 10 ms under Deno: a sample must be long beside that. */
const SAMPLE_MILLISECONDS = 120;
const MIN_SAMPLES = 3;
const MAX_REPETITIONS = 20_000;

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

/** Time of `repetitions` calls and one wait. */
async function sample(
  device: Device,
  repetitions: number,
  work: (times: number) => void,
): Promise<number> {
  await device.synchronize();
  const start = performance.now();
  work(repetitions);
  await device.synchronize();
  return performance.now() - start;
}

/**
 * Times GPU work: many repetitions before each wait, so that the wait does not count.
 *
 * Tensors made by `work` die after each sample. The first call compiles pipelines and is not timed.
 *
 * @param device The device.
 * @param seconds How long to measure at least.
 * @param work One repetition.
 * @returns Median and 10th to 90th percentile over samples, per repetition.
 */
export function timeRepeatedly(device: Device, seconds: number, work: () => void): Promise<Timing> {
  return timeBatches(device, seconds, (times) => {
    for (let i = 0; i < times; i++) {
      using _scope = device.scope();
      work();
    }
  });
}

/**
 * Times GPU work that repeats itself, such as the replay of a program.
 *
 * @param device The device.
 * @param seconds How long to measure at least.
 * @param work Does as many repetitions as it is told.
 * @returns Median and 10th to 90th percentile over samples, per repetition.
 */
export async function timeBatches(
  device: Device,
  seconds: number,
  work: (times: number) => void,
): Promise<Timing> {
  await sample(device, 1, work);
  // Deno notices the end of the work at its next poll, every 10 ms or so: double until that is small
  let repetitions = 1;
  let last = await sample(device, repetitions, work);
  while (last < SAMPLE_MILLISECONDS && repetitions < MAX_REPETITIONS) {
    const factor = Math.min(8, Math.max(2, Math.ceil(SAMPLE_MILLISECONDS / last)));
    repetitions = Math.min(MAX_REPETITIONS, repetitions * factor);
    last = await sample(device, repetitions, work);
  }
  const samples: number[] = [];
  const start = performance.now();
  while (samples.length < MIN_SAMPLES || performance.now() - start < 1000 * seconds) {
    samples.push(await sample(device, repetitions, work) / repetitions);
  }
  samples.sort((a, b) => a - b);
  return {
    median: quantile(samples, 0.5),
    p10: quantile(samples, 0.1),
    p90: quantile(samples, 0.9),
    repetitions: repetitions * samples.length,
  };
}
