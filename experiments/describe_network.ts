import type { Experiment } from "./define.ts";
import { modelName } from "./model_name.ts";
import type { Trial } from "./trial.ts";

/**
 * Counts in words.
 *
 * @param count How many.
 * @param what A word that takes an s.
 * @returns Such as `1 epoch` or `10 epochs`.
 */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** Digits of a checkpoint's hash that a person is shown. */
const SHORT_HASH = 12;

/**
 * Says in words on which images a trial is judged.
 *
 * @param trial Any trial.
 * @returns Such as `all test images`, or `the first 1,000 test images only: a preview`.
 */
function describeJudge({ data, images }: Trial): string {
  const set = data.train === "split" ? "validation images" : "test images";
  if (images === undefined) return `all ${set}`;
  return `the first ${images.toLocaleString("en-US")} ${set} only: a preview`;
}

/**
 * Says in a few words which network an experiment reduces, for the caption of a chart.
 *
 * @param experiment Any experiment.
 * @returns Such as `resnet20 on cifar10, all test images.`.
 */
export function captionNetwork(experiment: Experiment): string {
  const trial = experiment.baseline(0);
  return `${modelName(trial.model)} on ${trial.data.dataset}, ${describeJudge(trial)}.`;
}

/**
 * Says in sentences where an experiment's networks come from and what they are judged on, for the
 * report.
 *
 * @param experiment Any experiment.
 * @returns One sentence an item.
 */
export function networkSentences(experiment: Experiment): string[] {
  const trial = experiment.baseline(0);
  const { model, data, pretrained, training } = trial;
  const name = modelName(model);
  const whole = data.train === "all"
    ? `all training images of ${data.dataset}`
    : `the training images of ${data.dataset}, less those that judge`;
  const learned = data.first === undefined
    ? whole
    : `the first ${data.first.toLocaleString("en-US")} of ${whole}`;
  return [
    pretrained === undefined
      ? `A float32 network, ${name}, is trained once for each seed on ${learned}, ` +
        `${counted(training.epochs, "epoch")}.`
      : `The float32 network is ${name} as a checkpoint has it (SHA-256 ` +
        `${pretrained.slice(0, SHORT_HASH)}...); it is not trained here.`,
    ...model.kind === "resnet"
      ? ["Batch norms are folded into the convolutions before them first, those of float32 too."]
      : [],
    `Judged on ${describeJudge(trial)}.`,
  ];
}
