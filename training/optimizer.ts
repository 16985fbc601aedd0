import { type Device, run, type Tensor, zeros } from "../gpu/mod.ts";
import { adamKernels, sgdKernels } from "../kernels/mod.ts";
import { learningRateAt, type Schedule } from "./schedule.ts";

/**
 * Adam, and AdamW where weights decay; frozen data, part of a trial.
 *
 * @see Kingma and Ba 2015, arXiv:1412.6980; Loshchilov and Hutter 2019, arXiv:1711.05101
 */
export interface Adam {
  /** Tells it from other optimizers. */
  readonly kind: "adam";
  /** Largest rate of the schedule. */
  readonly learningRate: number;
  /** Decay of the mean of gradients. */
  readonly beta1: number;
  /** Decay of the mean of their squares. */
  readonly beta2: number;
  /** Keeps the step finite where gradients vanish. */
  readonly epsilon: number;
  /**
   * Share of the learning rate by which weights shrink at each step, past the moments; none if left
   * out. Biases and norms do not decay.
   */
  readonly weightDecay?: number;
}

/**
 * Stochastic gradient descent with momentum, as PyTorch defines it; frozen data, part of a trial.
 *
 * @see Sutskever et al. 2013, On the importance of initialization and momentum, ICML
 */
export interface Sgd {
  /** Tells it from other optimizers. */
  readonly kind: "sgd";
  /** Largest rate of the schedule. */
  readonly learningRate: number;
  /** Share of the last velocity that stays. */
  readonly momentum: number;
  /** True to step from where the momentum leads to; no if left out. */
  readonly nesterov?: boolean;
  /** Times the weight that is added to its gradient; none if left out, or for biases and norms. */
  readonly weightDecay?: number;
}

/** What turns gradients into steps. */
export type Optimizer = Adam | Sgd;

/**
 * Adam with the paper's defaults.
 *
 * @param options What differs from them.
 * @returns Frozen data.
 */
export function adam(options: Partial<Omit<Adam, "kind">> = {}): Adam {
  return Object.freeze({
    kind: "adam",
    learningRate: 1e-3,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    ...options,
  });
}

/**
 * Stochastic gradient descent; without momentum unless told.
 *
 * @param options What differs from a rate of 0.01 and no momentum.
 * @returns Frozen data.
 */
export function sgd(options: Partial<Omit<Sgd, "kind">> = {}): Sgd {
  return Object.freeze({
    kind: "sgd",
    learningRate: 0.01,
    momentum: 0,
    ...options,
  });
}

/** Numbers of a row: rate, the two bias corrections of Adam, and what an average takes over. */
const COLUMNS = 4;

/**
 * Computes what every step of a run needs to know, in float64, once.
 *
 * The GPU looks its row up by the step number, so a replayed program needs nothing from the host
 * and a schedule may be any function.
 *
 * @param optimizer The optimizer.
 * @param schedule Of its learning rate.
 * @param steps Steps of the run.
 * @param emaDecay Of averaged weights, if there are any.
 * @returns `[steps, 4]`: rate, 1 / (1 - beta1^t), 1 / sqrt(1 - beta2^t), and
 *   1 - min(emaDecay, t / (9 + t)), t counted from 1.
 */
export function stepTable(
  optimizer: Optimizer,
  schedule: Schedule,
  steps: number,
  emaDecay?: number,
): Float32Array<ArrayBuffer> {
  const table = new Float32Array(COLUMNS * steps);
  for (let step = 0; step < steps; step++) {
    const row = COLUMNS * step;
    table[row] = learningRateAt(schedule, optimizer.learningRate, step, steps);
    if (optimizer.kind === "adam") {
      table[row + 1] = 1 / (1 - optimizer.beta1 ** (step + 1));
      table[row + 2] = 1 / Math.sqrt(1 - optimizer.beta2 ** (step + 1));
    }
    if (emaDecay !== undefined) table[row + 3] = 1 - Math.min(emaDecay, (1 + step) / (10 + step));
  }
  return table;
}

/** Moments by name, each as long as the flat parameters; they belong to a checkpoint. */
export type OptimizerState = Readonly<Record<string, Tensor>>;

/**
 * Makes the state that an optimizer keeps beside the parameters, all zero.
 *
 * @param device Where.
 * @param optimizer The optimizer.
 * @param size Elements of the flat parameters.
 * @returns `m` and `v` for Adam, `velocity` for SGD.
 */
export function optimizerState(device: Device, optimizer: Optimizer, size: number): OptimizerState {
  return optimizer.kind === "adam"
    ? { m: zeros(device, [size]), v: zeros(device, [size]) }
    : { velocity: zeros(device, [size]) };
}

/** What one step of an optimizer works on. */
export interface StepTensors {
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  readonly state: OptimizerState;
  /** `u32 [1]`: the step number. */
  readonly clock: Tensor;
  /** From {@link stepTable}. */
  readonly table: Tensor;
  /** Leading elements that weight decay touches; none if left out. */
  readonly decayedSize?: number;
}

/**
 * Steps over all parameters in one dispatch.
 *
 * @param optimizer The optimizer.
 * @param tensors Parameters, gradients and state, all of one size; updated in place.
 */
export function optimizerStep(optimizer: Optimizer, tensors: StepTensors): void {
  const { parameter, gradient, state, clock, table, decayedSize: decayed = 0 } = tensors;
  const inputs = { parameter, gradient, clock, stepTable: table, ...state };
  const size = parameter.size;
  const { weightDecay = 0 } = optimizer;
  const params = { size, steps: table.size / COLUMNS, decayed, weightDecay };
  if (optimizer.kind === "adam") {
    const { beta1, beta2, epsilon } = optimizer;
    run(adamKernels.step, inputs, { ...params, beta1, beta2, epsilon });
  } else {
    const { momentum, nesterov = false } = optimizer;
    run(sgdKernels.step, inputs, { ...params, momentum }, {
      constants: { NESTEROV: nesterov ? 1 : 0 },
    });
  }
}
