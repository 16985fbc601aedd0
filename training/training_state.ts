import { UserError } from "../formats/mod.ts";
import { type Device, type Tensor, tensor } from "../gpu/mod.ts";
import {
  type HostParameters,
  initialParameters,
  type Model,
  type Parameters,
  trainableLayout,
  type TrainingContext,
  uploadParameters,
  writeParameters,
} from "../models/mod.ts";
import { type OptimizerState, optimizerState, stepTable } from "./optimizer.ts";
import type { TrainingPlan } from "./plan.ts";

/** Where a training starts, beyond the plan. */
export interface TrainerOptions {
  /** One network a seed; it decides initial weights, batch order, augmentation and dropout. */
  readonly seeds: readonly number[];
  /** Initial weights of each network instead of those its seed gives. */
  readonly initial?: readonly HostParameters[];
  /** Steps done already, when a checkpoint is resumed. */
  readonly stepsDone?: number;
  /** State of the optimizer of each network, by its name, when a checkpoint is resumed. */
  readonly state?: Readonly<Record<string, readonly HostParameters[]>>;
  /** Averaged weights of each network, when a checkpoint of a plan that averages is resumed. */
  readonly average?: readonly HostParameters[];
}

/** What a training keeps on the GPU from step to step. */
export interface TrainingState extends TrainingContext {
  /** Weights, updated in place. */
  readonly parameters: Parameters;
  /** Their moving average, if the plan asks for one. */
  readonly average: Parameters | undefined;
  /** Moments of the optimizer. */
  readonly moments: OptimizerState;
  /** What each step needs to know, from {@link stepTable}. */
  readonly table: Tensor;
}

function checkAverage(
  { emaDecay }: TrainingPlan,
  { stepsDone = 0, average }: TrainerOptions,
): void {
  if (stepsDone > 0 && (emaDecay === undefined) !== (average === undefined)) {
    const [plan, checkpoint] = [emaDecay, average].map((one) => one === undefined ? "not " : "");
    throw new UserError(
      "Cannot resume training: plan and checkpoint must agree whether weights are averaged: the " +
        `plan does ${plan}average them, the checkpoint has them ${checkpoint}averaged`,
    );
  }
}

/**
 * Uploads where a training starts.
 *
 * @param device Where to train.
 * @param model What to train.
 * @param plan How to train.
 * @param totalSteps Steps of the whole plan.
 * @param options Seeds, and what a checkpoint says.
 * @returns Weights, their average, moments, step number, seeds and table.
 * @throws {RangeError} If the optimizer has no such state, or values do not fit.
 * @throws {UserError} If a resumed checkpoint has no averaged weights and the plan asks for them, or
 *   the other way round.
 */
export function createTrainingState(
  device: Device,
  model: Model,
  plan: TrainingPlan,
  totalSteps: number,
  options: TrainerOptions,
): TrainingState {
  checkAverage(plan, options);
  const { seeds, stepsDone = 0 } = options;
  const initial = options.initial ?? seeds.map((seed) => initialParameters(model, seed));
  const parameters = uploadParameters(device, model, initial);
  const average = plan.emaDecay === undefined
    ? undefined
    : uploadParameters(device, model, options.average ?? initial);
  const layout = trainableLayout(parameters.layout);
  const moments = optimizerState(device, plan.optimizer, layout.size);
  for (const [name, networks] of Object.entries(options.state ?? {})) {
    if (moments[name] === undefined) {
      throw new RangeError(
        `Cannot resume training: the optimizer must have the state "${name}": ` +
          `${plan.optimizer.kind} has ${Object.keys(moments).join(", ")}`,
      );
    }
    writeParameters({ layout, flat: moments[name] }, networks);
  }
  return {
    parameters,
    average,
    moments,
    clock: tensor(device, new Uint32Array([stepsDone])),
    seeds: tensor(device, Uint32Array.from(seeds)),
    table: tensor(device, stepTable(plan.optimizer, plan.schedule, totalSteps, plan.emaDecay)),
  };
}
