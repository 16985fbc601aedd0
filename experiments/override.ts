import { UserError } from "../formats/user_error.ts";
import { datasetForm } from "../data/mod.ts";
import { checkTrial } from "./check_trial.ts";
import type { Experiment } from "./define.ts";
import { expandGrid } from "./grid_points.ts";
import { leaveOutRefused } from "./leave_out.ts";
import type { ModelSpec } from "../models/mod.ts";
import { nameOfResults } from "./name_of_results.ts";
import { onlyPart } from "./part_of.ts";
import type { TrainingPlan } from "../training/mod.ts";
import { networkId, type Trial } from "./trial.ts";

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
  /** SHA-256 of the checkpoint that is the network, instead of training: one network, one seed. */
  readonly pretrained?: string;
  /** How many images of the judging set to use, the first ones. */
  readonly images?: number;
  /** Values of some axes, as they are typed: the part of the grid to measure. */
  readonly only?: Readonly<Record<string, readonly string[]>>;
}

/** Another architecture, with the dropout of an arm that is about dropout. */
function modelFor(usual: ModelSpec, asked: ModelSpec | undefined): ModelSpec {
  const hasDropout = usual.kind === "cnn" && usual.dropout !== undefined;
  if (asked?.kind !== "cnn" || !hasDropout) return asked ?? usual;
  return { ...asked, dropout: usual.dropout };
}

/** Another length; and no mirrored digits, as only images in color are sure to stay what they are. */
function trainingFor(usual: TrainingPlan, { dataset, epochs }: Overrides): TrainingPlan {
  const training = { ...usual, epochs: epochs ?? usual.epochs };
  if (dataset === undefined || !usual.augmentation?.horizontalFlip) return training;
  if (datasetForm(dataset)?.inputShape[0] === 3) return training;
  const { horizontalFlip: _flip, ...augmentation } = usual.augmentation;
  return { ...training, augmentation };
}

/** An experiment and what is asked of other kinds of model, of others still, and so on. */
function formsOf(experiment: Experiment): Experiment[] {
  const other = experiment.forOtherModels;
  return [experiment, ...other === undefined ? [] : formsOf(other)];
}

/** The question as it has to be asked of a kind of model. */
function formFor(experiment: Experiment, kind: ModelSpec["kind"]): Experiment | undefined {
  return formsOf(experiment).find(({ models }) => models.includes(kind));
}

/** A checkpoint is one network: arms that each train one of their own cannot all have it. */
function refuseTraining({ name, baseline, grid, trial }: Experiment): void {
  const given = networkId(baseline(0));
  if (expandGrid(grid).every((point) => networkId(trial(point, 0)) === given)) return;
  throw new UserError(
    `Cannot run experiment "${name}": its arms train networks of their own: a checkpoint must be left out`,
  );
}

/**
 * Asks an experiment's question of another network, data set, count of seeds or length of training.
 *
 * @param experiment The experiment as it is defined.
 * @param overrides What to change; what is left out stays.
 * @returns The changed experiment, without what the model cannot do. Published figures are left out where they no longer compare.
 * @throws {UserError} If a number is out of range, the question makes no sense for the model, or arms train
 *   where there is a checkpoint.
 */
export function overrideExperiment(experiment: Experiment, overrides: Overrides): Experiment {
  const { epochs, dataset, model, pretrained, images } = overrides;
  const other = model && formFor(experiment, model.kind);
  if (other !== undefined && other !== experiment) return overrideExperiment(other, overrides);
  if (pretrained !== undefined && (epochs ?? overrides.seeds) !== undefined) {
    throw new UserError(
      `Cannot run experiment "${experiment.name}": a checkpoint is one network that is not trained: ` +
        "epochs and seeds must be left out",
    );
  }
  const { seeds = pretrained === undefined ? experiment.seeds : 1 } = overrides;
  if (!Number.isInteger(seeds) || seeds < 1) {
    throw new UserError(
      `Cannot run experiment "${experiment.name}": seeds must be a whole number from 1: ${seeds}`,
    );
  }
  if (model && !experiment.models.includes(model.kind)) {
    throw new UserError(
      `Cannot run experiment "${experiment.name}": the model must be one of ` +
        `${formsOf(experiment).flatMap(({ models }) => models).join(", ")}: ${model.kind}`,
    );
  }
  const change = (trial: Trial): Trial => ({
    ...trial,
    data: { ...trial.data, dataset: dataset ?? trial.data.dataset },
    model: modelFor(trial.model, model),
    training: trainingFor(trial.training, { dataset, epochs }),
    ...pretrained !== undefined && { pretrained },
    ...images !== undefined && { images },
  });
  const isSame = [dataset, model, pretrained, images].every((change) => change === undefined);
  const changed: Experiment = {
    ...experiment,
    name: nameOfResults(experiment.name, experiment.baseline(0).data.dataset, overrides),
    seeds,
    baseline: (seed) => change(experiment.baseline(seed)),
    trial: (point, seed) => change(experiment.trial(point, seed)),
    published: isSame ? experiment.published : undefined,
  };
  checkTrial(changed.baseline(0));
  const { only = {} } = overrides;
  const asked = Object.keys(only).length === 0 ? changed : onlyPart(changed, only);
  if (pretrained !== undefined) refuseTraining(asked);
  return Object.freeze(model === undefined ? asked : leaveOutRefused(asked));
}
