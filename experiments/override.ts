import { UserError } from "../formats/user_error.ts";
import { checkTrial } from "./check_trial.ts";
import type { Experiment } from "./define.ts";
import type { ModelSpec } from "../models/mod.ts";
import type { Trial } from "./trial.ts";

/** What a person may change about an experiment without writing a new one. */
export interface Overrides {
  /** Count of seeds, at least 1. */
  readonly seeds?: number;
  /** Passes over the training images. */
  readonly epochs?: number;
  /** Name of a data set. */
  readonly dataset?: string;
  /** Another architecture. */
  readonly model?: ModelSpec;
}

/**
 * Asks an experiment's question of another network, data set, count of seeds or length of training.
 *
 * @param experiment The experiment as it is defined.
 * @param overrides What to change; what is left out stays.
 * @returns The changed experiment. Published figures are left out where they no longer compare.
 * @throws {UserError} If a number is out of range or the question makes no sense for the model.
 */
export function overrideExperiment(experiment: Experiment, overrides: Overrides): Experiment {
  const { seeds = experiment.seeds, epochs, dataset, model } = overrides;
  if (!Number.isInteger(seeds) || seeds < 1) {
    throw new UserError(
      `Cannot run experiment "${experiment.name}": seeds must be a whole number from 1: ${seeds}`,
    );
  }
  if (model && !experiment.models.includes(model.kind)) {
    throw new UserError(
      `Cannot run experiment "${experiment.name}": the model must be one of ` +
        `${experiment.models.join(", ")}: ${model.kind}`,
    );
  }
  const change = (trial: Trial): Trial => ({
    ...trial,
    data: { ...trial.data, dataset: dataset ?? trial.data.dataset },
    model: model ?? trial.model,
    training: { ...trial.training, epochs: epochs ?? trial.training.epochs },
  });
  const changed: Experiment = {
    ...experiment,
    seeds,
    baseline: (seed) => change(experiment.baseline(seed)),
    trial: (point, seed) => change(experiment.trial(point, seed)),
    published: dataset === undefined && model === undefined ? experiment.published : undefined,
  };
  checkTrial(changed.baseline(0));
  return Object.freeze(changed);
}
