import { backward, crossEntropy } from "../autograd/mod.ts";
import type { ResidentImages } from "../data/mod.ts";
import {
  type Device,
  type Program,
  read,
  record,
  reshape,
  run,
  type Tensor,
  tensor,
  zeros,
} from "../gpu/mod.ts";
import { permutationBits, sampleBatchKernels, trainingClockKernels } from "../kernels/mod.ts";
import {
  type HostParameters,
  initialParameters,
  type Model,
  type Parameters,
  trainableLayout,
  trainableTensors,
  uploadParameters,
  writeParameters,
  zeroParameters,
} from "../models/mod.ts";
import {
  type Optimizer,
  type OptimizerState,
  optimizerState,
  optimizerStep,
  stepTable,
} from "./optimizer.ts";
import type { Schedule } from "./schedule.ts";

/** How to train; frozen data, part of a trial. */
export interface TrainingPlan {
  /** What turns gradients into steps. */
  readonly optimizer: Optimizer;
  /** How the learning rate changes. */
  readonly schedule: Schedule;
  /** Passes over the training set. */
  readonly epochs: number;
  /** Examples of each network in a step. */
  readonly batchSize: number;
}

/** A loss became NaN or infinite; training stopped there. */
export class NonFiniteLossError extends Error {
  /** Name of the class. */
  override readonly name: string = "NonFiniteLossError";
  /** Step at which it was seen first, counted from 0. */
  readonly step: number;
  /** Seed of the network that it was seen in. */
  readonly seed: number;

  /**
   * Says where it was seen.
   *
   * @param step Counted from 0.
   * @param seed Of the network.
   * @param loss The value seen.
   */
  constructor(step: number, seed: number, loss: number) {
    super(
      `Cannot go on training: the loss must be finite: at step ${step}, seed ${seed} it is ${loss}`,
    );
    this.step = step;
    this.seed = seed;
  }
}

/** Steps between two looks at the losses; a look costs 11 ms. */
const LOG_CAPACITY = 512;

/** A population in training: everything it needs lives on the GPU. */
export interface Trainer extends Disposable {
  /** What is trained. */
  readonly model: Model;
  /** Weights, updated in place. */
  readonly parameters: Parameters;
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

/** Options of {@link createTrainer} beyond the plan. */
export interface TrainerOptions {
  /** One network a seed; it decides initial weights and batch order. */
  readonly seeds: readonly number[];
  /** Initial weights of each network instead of those its seed gives. */
  readonly initial?: readonly HostParameters[];
  /** Steps done already, when a checkpoint is resumed. */
  readonly stepsDone?: number;
  /** State of the optimizer of each network, by its name, when a checkpoint is resumed. */
  readonly state?: Readonly<Record<string, readonly HostParameters[]>>;
}

/**
 * Records one training step of P networks, ready to be replayed for the whole plan.
 *
 * Batch, permutation, learning rate and losses are all found on the GPU from the step number, so a
 * resumed run gives the same bits as an uninterrupted one.
 *
 * @param device Where to train.
 * @param model What to train.
 * @param images The training set.
 * @param plan Optimizer, schedule, epochs and batch size.
 * @param options Seeds, initial weights, steps done.
 * @returns The trainer; `using` gives its program back.
 * @throws {RangeError} If the batch is larger than the set, or a number is not a whole one.
 */
export function createTrainer(
  device: Device,
  model: Model,
  images: ResidentImages,
  plan: TrainingPlan,
  options: TrainerOptions,
): Trainer {
  const { batchSize, epochs, optimizer, schedule } = plan;
  const { seeds } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > images.count) {
    throw new RangeError(
      `Cannot train with batches of ${batchSize}: the batch size must be a whole number from 1 to ` +
        `the ${images.count} examples of the training set`,
    );
  }
  if (!Number.isInteger(epochs) || epochs < 1 || seeds.length < 1) {
    throw new RangeError(
      `Cannot train for ${epochs} epochs with ${seeds.length} seeds: both must be at least 1`,
    );
  }
  const networks = seeds.length;
  const stepsPerEpoch = Math.floor(images.count / batchSize);
  const totalSteps = stepsPerEpoch * epochs;
  let stepsDone = options.stepsDone ?? 0;

  const initial = options.initial ?? seeds.map((seed) => initialParameters(model, seed));
  const parameters = uploadParameters(device, model, initial);
  const gradients = zeroParameters(device, model, networks);
  const state = optimizerState(device, optimizer, parameters.layout.trainableSize);
  for (const [name, networkStates] of Object.entries(options.state ?? {})) {
    if (state[name] === undefined) {
      throw new RangeError(
        `Cannot resume training: the optimizer must have the state "${name}": ` +
          `${optimizer.kind} has ${Object.keys(state).join(", ")}`,
      );
    }
    writeParameters(
      { layout: trainableLayout(parameters.layout), flat: state[name] },
      networkStates,
    );
  }
  const clock = tensor(device, new Uint32Array([stepsDone]));
  const seedTensor = tensor(device, Uint32Array.from(seeds));
  const table = tensor(device, stepTable(optimizer, schedule, totalSteps));
  const lossLog = zeros(device, [LOG_CAPACITY, networks]);
  const trained = Object.entries(trainableTensors(parameters));
  const into = new Map(trained.map(([name, t]) => [t, gradients.tensors[name]]));

  function step(): void {
    const { rows, batchLabels } = run(
      sampleBatchKernels.sample,
      { clock, seeds: seedTensor, labels: images.labels },
      {
        networks,
        batch: batchSize,
        count: images.count,
        stepsPerEpoch,
        bits: permutationBits(images.count),
      },
    );
    const batch = { source: images, rows: reshape(rows, [networks, batchSize]) };
    const training = { clock, seeds: seedTensor };
    const logits = model.forward(parameters.tensors, batch, { training });
    const losses = crossEntropy(logits, batchLabels);
    backward(losses, [...into.keys()], { into });
    optimizerStep(optimizer, {
      parameter: parameters.trainable,
      gradient: gradients.trainable,
      state,
      clock,
      table,
      decayedSize: parameters.layout.decayedSize,
    });
    run(trainingClockKernels.advance, { losses, clock, lossLog }, {
      networks,
      batch: batchSize,
      capacity: LOG_CAPACITY,
    });
  }

  const program = record(device, step);

  function stepEagerly(): void {
    using _scope = device.scope();
    step();
    device.flush();
    stepsDone++;
  }

  async function train(steps: number): Promise<number[][]> {
    const last = Math.min(totalSteps, stepsDone + steps);
    const losses: number[][] = [];
    while (stepsDone < last) {
      const now = Math.min(LOG_CAPACITY, last - stepsDone);
      program.run(now);
      const log = await read(lossLog);
      for (let i = 0; i < now; i++) {
        const row = ((stepsDone + i) % LOG_CAPACITY) * networks;
        const values = Array.from(log.subarray(row, row + networks));
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
    parameters,
    state,
    clock,
    seeds,
    stepsPerEpoch,
    totalSteps,
    program,
    stepEagerly,
    train,
    get stepsDone() {
      return stepsDone;
    },
    [Symbol.dispose]: () => program[Symbol.dispose](),
  };
}
