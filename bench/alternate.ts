import type { Device, Timing } from "../gpu/mod.ts";

/** Work of one contender: does as many repetitions as it is told, without waiting for the GPU. */
export type Repeat = (times: number) => void | Promise<void>;

/** The end of GPU work is noticed by a poll every 10 ms or so: a sample must be long beside it. */
const SAMPLE_MILLISECONDS = 500;
const MIN_SAMPLES = 3;
/** Work so slow that the least number of samples takes this many times `seconds` gets fewer. */
const PATIENCE = 10;
const MAX_REPETITIONS = 20_000;

/**
 * Finds a quantile of samples.
 *
 * @param samples In any order, at least one.
 * @param q From 0 to 1.
 * @returns The sample that a share of `q` of them does not exceed.
 */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

/** What is measured, and by which clock. */
interface Stopwatch {
  readonly device: Pick<Device, "synchronize">;
  /** Clock in milliseconds. */
  readonly now: () => number;
}

async function sample(
  { device, now }: Stopwatch,
  repeat: Repeat,
  repetitions: number,
): Promise<number> {
  await device.synchronize();
  const start = now();
  await repeat(repetitions);
  await device.synchronize();
  return now() - start;
}

interface Contender {
  readonly repeat: Repeat;
  readonly repetitions: number;
  /** Milliseconds of each sample. */
  readonly samples: number[];
}

/** Warms up, then grows the repetitions of a sample until it is long beside the poll. */
async function calibrate(stopwatch: Stopwatch, repeat: Repeat): Promise<Contender> {
  await sample(stopwatch, repeat, 1);
  let repetitions = 1;
  let last = await sample(stopwatch, repeat, repetitions);
  while (last < SAMPLE_MILLISECONDS && repetitions < MAX_REPETITIONS) {
    const factor = Math.min(8, Math.max(2, Math.ceil(SAMPLE_MILLISECONDS / last)));
    repetitions = Math.min(MAX_REPETITIONS, repetitions * factor);
    last = await sample(stopwatch, repeat, repetitions);
  }
  return { repeat, repetitions, samples: [last] };
}

/**
 * Times several ways to do the same work, one sample of each in turn, so that whatever else the
 * machine does slows all of them alike.
 *
 * @param device The device.
 * @param seconds How long to measure each at least.
 * @param repeats The ways; the first repetition of each may compile and is not timed.
 * @param now Clock in milliseconds; the machine's if left out.
 * @returns Median and 10th to 90th percentile over samples, in milliseconds a repetition.
 */
export async function timeAlternately(
  device: Pick<Device, "synchronize">,
  seconds: number,
  repeats: readonly Repeat[],
  now: () => number = () => performance.now(),
): Promise<Timing[]> {
  const stopwatch = { device, now };
  const contenders: Contender[] = [];
  for (const repeat of repeats) contenders.push(await calibrate(stopwatch, repeat));
  const isDone = ({ samples }: Contender): boolean => {
    const elapsed = samples.reduce((sum, one) => sum + one, 0) / 1000;
    return elapsed >= (samples.length < MIN_SAMPLES ? PATIENCE * seconds : seconds);
  };
  while (!contenders.every(isDone)) {
    for (const contender of contenders.filter((one) => !isDone(one))) {
      const { repeat, repetitions, samples } = contender;
      samples.push(await sample(stopwatch, repeat, repetitions));
    }
  }
  return contenders.map(({ repetitions, samples }) => ({
    median: quantile(samples, 0.5) / repetitions,
    p10: quantile(samples, 0.1) / repetitions,
    p90: quantile(samples, 0.9) / repetitions,
    repetitions: repetitions * samples.length,
  }));
}
