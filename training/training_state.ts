import { UserError } from "../formats/mod.ts";
import { type Device, type Tensor, tensor } from "../gpu/mod.ts";
import {
  type HostParameters,
  initialParameters,
  type Model,
  type ModelInput,
  type Parameters,
  trainableLayout,
  type TrainingContext,
  uploadParameters,
  writeParameters,
} from "../models/mod.ts";
import { type OptimizerState, optimizerState, stepTable } from "./optimizer.ts";
import type { TrainingPlan } from "./plan.ts";
import { prepareWeightQuantizer, type WeightQuantizer } from "./weight_quantization.ts";

/** Steps between two looks at losses and statistics; a look costs 11 ms. */
export const LOG_CAPACITY = 512;

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
  /** Trained networks that a plan with distillation learns from. */
  readonly teacher?: Teacher;
}

/** Trained networks whose logits others learn. */
export interface Teacher {
  /** What they are; it looks at the same images and tells the same classes apart. */
  readonly model: Model;
  /** Weights of the teacher of each network. */
  readonly parameters: readonly HostParameters[];
}

/** What a training keeps on the GPU from step to step. */
export interface TrainingState extends TrainingContext {
  /** Weights, updated in place. */
  readonly parameters: Parameters;
  /** Their moving average, if the plan asks for one. */
  readonly average: Parameters | undefined;
  /** Logits of the teacher for images of each network, if the plan distills. */
  readonly teach: ((x: ModelInput) => Tensor) | undefined;
  /** Moments of the optimizer. */
  readonly moments: OptimizerState;
  /** What each step needs to know, from {@link stepTable}. */
  readonly table: Tensor;
  /** What puts weights on a grid, if the plan asks for it. */
  readonly quantizer: WeightQuantizer | undefined;
}

/** True if what is evaluated is not what training goes on from. */
function hasTwoNetworks({ emaDecay, weightQuantization }: TrainingPlan): boolean {
  return emaDecay !== undefined || weightQuantization?.master === "shadow";
}

function checkAverage(plan: TrainingPlan, { stepsDone = 0, average }: TrainerOptions): void {
  if (stepsDone === 0 || hasTwoNetworks(plan) === (average !== undefined)) return;
  throw new UserError(
    "Cannot resume training: plan and checkpoint must agree whether weights are averaged or rounded: the " +
      `plan ${
        hasTwoNetworks(plan) ? "asks for that" : "does not ask for that"
      }, the checkpoint has ` +
      (average === undefined ? "one set of weights" : "both those and what training goes on from"),
  );
}

/** Uploads the teacher, if there is one and the plan asks for it. */
function uploadTeacher(
  device: Device,
  model: Model,
  { distillation }: TrainingPlan,
  { teacher, seeds }: TrainerOptions,
): TrainingState["teach"] {
  if (distillation === undefined) return undefined;
  const describe = ({ inputShape, classes }: Model) => `${inputShape.join(" x ")} in ${classes}`;
  if (teacher?.parameters.length !== seeds.length || describe(teacher.model) !== describe(model)) {
    const found = teacher === undefined
      ? "there is none"
      : `there are ${teacher.parameters.length}, of ${describe(teacher.model)} classes`;
    throw new RangeError(
      `Cannot distill: each of ${seeds.length} networks needs a teacher for images of ` +
        `${describe(model)} classes: ${found}`,
    );
  }
  const { tensors } = uploadParameters(device, teacher.model, teacher.parameters);
  return (x) => teacher.model.forward(tensors, x);
}

/**
 * Uploads where a training starts.
 *
 * @param device Where to train.
 * @param model What to train.
 * @param plan How to train.
 * @param totalSteps Steps of the whole plan.
 * @param stepsPerEpoch Steps of an epoch.
 * @param options Seeds, and what a checkpoint says.
 * @returns Weights, their average, moments, step number, seeds, table and quantizer.
 * @throws {RangeError} If the optimizer has no such state, values do not fit, or a teacher is missing.
 * @throws {UserError} If a resumed checkpoint has no averaged or rounded weights and the plan asks for them,
 *   or the other way round.
 */
export function createTrainingState(
  device: Device,
  model: Model,
  plan: TrainingPlan,
  totalSteps: number,
  stepsPerEpoch: number,
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
  const context = {
    clock: tensor(device, new Uint32Array([stepsDone])),
    seeds: tensor(device, Uint32Array.from(seeds)),
  };
  const { weightQuantization } = plan;
  return {
    parameters,
    average,
    teach: uploadTeacher(device, model, plan, options),
    moments,
    ...context,
    quantizer: weightQuantization && prepareWeightQuantizer(
      device,
      weightQuantization,
      parameters,
      initial,
      context,
      stepsPerEpoch,
      LOG_CAPACITY,
    ),
    table: tensor(device, stepTable(plan.optimizer, plan.schedule, totalSteps, plan.emaDecay)),
  };
}
