import type { Chunk } from "../data/mod.ts";
import type { EpochPoint, Progress } from "../experiments/mod.ts";
import { evaluate, type Trainer } from "../training/mod.ts";

/** Most steps between two looks at the clock; losses are read as often. */
const MOST_STEPS = 512;

/** Steps that take about a second, which is how often progress shows something new. */
function stepsOfSecond(steps: number, seconds: number): number {
  return Math.max(1, Math.min(MOST_STEPS, Math.round(steps / seconds)));
}

/** An epoch that is over. */
export interface TrainedEpoch extends EpochPoint {
  /** Images of the training set that were trained on in a second, up to here. */
  readonly imagesPerSecond: number;
}

/**
 * Trains to the end of the plan, epoch by epoch; whoever asks for no more epochs stops it.
 *
 * @param trainer Where it starts.
 * @param batchSize Images a step.
 * @param judge Images held out, if any.
 * @param progress Told of steps.
 * @returns Each epoch as it ends.
 */
export async function* trainEpochs(
  trainer: Trainer,
  batchSize: number,
  judge: readonly Chunk[] | undefined,
  progress: Progress,
): AsyncGenerator<TrainedEpoch> {
  const { model, totalSteps, stepsPerEpoch } = trainer;
  const skipped = trainer.stepsDone;
  const started = performance.now();
  let trainingSeconds = 0;
  let atOnce = 1;
  let losses: number[] = [];
  while (trainer.stepsDone < totalSteps) {
    const left = stepsPerEpoch - trainer.stepsDone % stepsPerEpoch;
    const steps = Math.min(atOnce, left);
    const begun = performance.now();
    const found = await trainer.train(steps);
    const seconds = (performance.now() - begun) / 1000;
    atOnce = stepsOfSecond(steps, seconds);
    trainingSeconds += seconds;
    losses.push(...found.map(([loss]) => loss));
    const done = trainer.stepsDone;
    const imagesPerSecond = Math.round((done - skipped) * batchSize / trainingSeconds);
    const etaSeconds = (performance.now() - started) / 1000 / (done - skipped) *
      (totalSteps - done);
    const note = `${imagesPerSecond} images/s`;
    progress.update({ kind: "progress", done, total: totalSteps, skipped, etaSeconds, note });
    if (steps < left) continue;
    const [judged] = judge === undefined
      ? []
      : await evaluate(model, trainer.evaluated.tensors, 1, judge);
    yield {
      epoch: done / stepsPerEpoch,
      trainingLoss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
      ...judged && { validationLoss: judged.loss, validationAccuracy: judged.accuracy },
      imagesPerSecond,
    };
    losses = [];
  }
}
