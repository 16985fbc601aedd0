import type { ResidentImages } from "../data/mod.ts";
import { type Device, type Program, readAll, record, type Tensor } from "../gpu/mod.ts";
import type { Model, Parameters } from "../models/mod.ts";
import { NonFiniteLossError } from "./non_finite_loss.ts";
import type { OptimizerState } from "./optimizer.ts";
import { checkPlan, type TrainingPlan } from "./plan.ts";
import { checkPlanOf } from "./quantization_aware/model.ts";
import { createTrainingState, LOG_CAPACITY, type TrainerOptions } from "./training_state.ts";
import { prepareTrainingStep } from "./training_step.ts";
import { statisticsAt, type WeightStatistics } from "./weight_quantization.ts";

/** A population in training: everything it needs lives on the GPU. */
export interface Trainer extends Disposable {
  /** What is trained. */
  readonly model: Model;
  /** Weights, updated in place. */
  readonly parameters: Parameters;
  /** Their moving average, updated in place, if the plan asks for one. */
  readonly average: Parameters | undefined;
  /** What to evaluate and to keep: the average or the rounded weights if there are any, else the weights. */
  readonly evaluated: Parameters;
  /** Moments of the optimizer, updated in place. */
  readonly state: OptimizerState;
  /** `u32 [1]`: steps done. */
  readonly clock: Tensor;
  /** One a network. */
  readonly seeds: readonly number[];
  /** Full batches in an epoch; what is left over comes in another one. */
  readonly stepsPerEpoch: number;
  /** Steps of the whole plan. */
  readonly totalSteps: number;
  /** One training step, recorded. */
  readonly program: Program;
  /** Of every step that `train` did, `[steps][networks]`; empty if the plan does not round weights. */
  readonly statistics: readonly (readonly WeightStatistics[])[];
  /**
   * Trains on, without the host touching data.
   *
   * @param steps How many steps, at most up to the end of the plan.
   * @returns Mean loss of every network at every step done, `[steps][networks]`, in nats.
   * @throws {NonFiniteLossError} If a loss is not finite; the weights are then those after it.
   */
  train(steps: number): Promise<number[][]>;
  /**
   * Does one step op by op and submits it, without the recording: the same bits, for a debugger and
   * for the bench. Losses are logged as ever, but not looked at.
   */
  stepEagerly(): void;
  /** Steps done so far. */
  readonly stepsDone: number;
}

/**
 * Records one training step of P networks, ready to be replayed for the whole plan.
 *
 * Batch, permutation, augmentation, learning rate and losses are all found on the GPU from the step
 * number, so a resumed run gives the same bits as an uninterrupted one.
 *
 * @param device Where to train.
 * @param model What to train.
 * @param images The training set.
 * @param plan Optimizer, schedule, epochs, batch size, and what keeps it from overfitting.
 * @param options Seeds, and what a checkpoint says.
 * @returns The trainer; `using` gives its program back.
 * @throws {RangeError} If the batch is larger than the set, or a number is out of range.
 * @throws {UserError} If a resumed checkpoint and the plan do not agree whether weights are averaged,
 *   they are while bits fall, or bits fall for longer than the training lasts.
 */
export function createTrainer(
  device: Device,
  model: Model,
  images: ResidentImages,
  plan: TrainingPlan,
  options: TrainerOptions,
): Trainer {
  const { seeds } = options;
  checkPlan(plan, images.count, seeds.length);
  const networks = seeds.length;
  const stepsPerEpoch = Math.floor(images.count / plan.batchSize);
  const totalSteps = stepsPerEpoch * plan.epochs;
  checkPlanOf(model, plan, totalSteps);
  let stepsDone = options.stepsDone ?? 0;
  const state = createTrainingState(device, model, plan, totalSteps, stepsPerEpoch, options);
  const step = prepareTrainingStep(device, model, images, plan, state);
  const { quantizer } = state;
  quantizer?.begin();
  const statistics: WeightStatistics[][] = [];
  const program = record(device, () => step.run());

  function stepEagerly(): void {
    using _scope = device.scope();
    step.run();
    device.flush();
    stepsDone++;
  }

  async function train(steps: number): Promise<number[][]> {
    const last = Math.min(totalSteps, stepsDone + steps);
    const losses: number[][] = [];
    while (stepsDone < last) {
      const now = Math.min(LOG_CAPACITY, last - stepsDone);
      program.run(now);
      const [log, statisticsLog] = await readAll([
        step.lossLog,
        ...quantizer === undefined ? [] : [quantizer.statisticsLog],
      ]);
      for (let i = 0; i < now; i++) {
        const row = (stepsDone + i) % LOG_CAPACITY;
        const values = Array.from(log.subarray(row * networks, (row + 1) * networks));
        if (statisticsLog) statistics.push(statisticsAt(statisticsLog, row, networks));
        const broken = values.findIndex((loss) => !Number.isFinite(loss));
        if (broken >= 0) {
          stepsDone += now;
          throw new NonFiniteLossError(stepsDone - now + i, seeds[broken], values[broken]);
        }
        losses.push(values);
      }
      stepsDone += now;
    }
    return losses;
  }

  return {
    model,
    parameters: state.parameters,
    average: state.average,
    evaluated: state.average ?? quantizer?.rounded ?? state.parameters,
    state: state.moments,
    clock: state.clock,
    seeds,
    stepsPerEpoch,
    totalSteps,
    program,
    statistics,
    stepEagerly,
    train,
    get stepsDone() {
      return stepsDone;
    },
    [Symbol.dispose]: () => program[Symbol.dispose](),
  };
}
