import { backward, meanSquaredError } from "../../autograd/mod.ts";
import { type Device, type HostArray, readAll, record, run, tensor, zeros } from "../../gpu/mod.ts";
import { randomSource, standardNormal, trainingClockKernels } from "../../kernels/mod.ts";
import {
  fcNN,
  type HostParameters,
  initialParameters,
  type Model,
  readParameters,
  trainableTensors,
  uploadParameters,
  zeroParameters,
} from "../../models/mod.ts";
import { type Optimizer, stepTable, type WeightQuantization } from "../../training/mod.ts";
import { optimizerState, optimizerStep } from "../../training/optimizer.ts";
import { prepareWeightQuantizer, statisticsAt } from "../../training/weight_quantization.ts";
import type { LoggedStep } from "../step_log.ts";

/** A linear layer of 32 inputs and one output. */
export const REGRESSION_MODEL: Model = fcNN({ inputShape: [1, 4, 8], hidden: [], classes: 1 });

const INPUTS = 32;
/** Examples that each network learns from, all of them in every step. */
export const REGRESSION_ROWS = 64;
/** Steps of a training. */
export const REGRESSION_STEPS = 1000;
/** Steps that stand for an epoch. */
export const REGRESSION_EPOCH = 50;
/** Standard deviation of what is added to the targets. */
export const REGRESSION_NOISE = 0.1;
/** True weights are uniform in [-TRUE_BOUND, TRUE_BOUND]. */
const TRUE_BOUND = 0.5;
/** Streams of random numbers: initial parameters take the first ones. */
const STREAM = { inputs: 100, weights: 101, noise: 102 };

/** The true weights of a seed. */
function trueWeights(seed: number): Float64Array {
  const random = randomSource(seed, STREAM.weights);
  return Float64Array.from({ length: INPUTS }, () => TRUE_BOUND * (2 * random() - 1));
}

/** Examples that all seeds share: uniform in [-1, 1]. */
function drawInputs(): Float32Array<ArrayBuffer> {
  const random = randomSource(0, STREAM.inputs);
  return Float32Array.from({ length: REGRESSION_ROWS * INPUTS }, () => 2 * random() - 1);
}

/** y = w x + noise for every example. */
function drawTargets(x: Float32Array, seed: number): number[] {
  const weights = trueWeights(seed);
  const random = randomSource(seed, STREAM.noise);
  return Array.from({ length: REGRESSION_ROWS }, (_, row) => {
    const signal = weights.reduce((sum, w, i) => sum + w * x[row * INPUTS + i], 0);
    return signal + REGRESSION_NOISE * standardNormal(random);
  });
}

/**
 * Computes how far a fitted line is from the true one, over all inputs it could see.
 *
 *     E (w_hat x + b - w x)^2 = |w_hat - w|^2 / 3 + b^2      for x uniform in [-1, 1]
 *
 * @param parameters Of one network.
 * @param seed Says what is true.
 * @returns The excess mean squared error, in squared units of the output.
 */
export function excessError(parameters: HostParameters, seed: number): number {
  const { "fc1.weight": weight, "fc1.bias": bias } = parameters;
  const distance = trueWeights(seed).reduce((sum, w, i) => sum + (weight[i] - w) ** 2, 0);
  return distance / 3 + bias[0] ** 2;
}

/** A fitted line. */
export interface FittedRegression {
  readonly parameters: HostParameters;
  /** What every step did to weights that were rounded meanwhile. */
  readonly steps?: readonly LoggedStep[];
}

/**
 * Fits y = w x + noise by gradient descent on the mean squared error of all examples, one network a seed,
 * all in the same dispatches.
 *
 * @param device Where.
 * @param optimizer What turns gradients into steps; its rate is constant.
 * @param quantization How weights are rounded meanwhile, if at all.
 * @param seeds Of true weights, noise and initial weights.
 * @returns One fit a seed, the same as if it had been fitted alone.
 */
export async function trainRegression(
  device: Device,
  optimizer: Optimizer,
  quantization: WeightQuantization | undefined,
  seeds: readonly number[],
): Promise<FittedRegression[]> {
  using _scope = device.scope();
  const model = REGRESSION_MODEL;
  const networks = seeds.length;
  const host = drawInputs();
  const x = tensor(device, host, [1, REGRESSION_ROWS, INPUTS]);
  const y: HostArray = new Float32Array(seeds.flatMap((seed) => drawTargets(host, seed)));
  const target = tensor(device, y, [networks, REGRESSION_ROWS, 1]);
  const initial = seeds.map((seed) => initialParameters(model, seed));
  const parameters = uploadParameters(device, model, initial);
  const gradients = zeroParameters(device, model, networks);
  const context = {
    clock: zeros(device, [1], "u32"),
    seeds: tensor(device, Uint32Array.from(seeds)),
  };
  const quantizer = quantization && prepareWeightQuantizer(
    device,
    quantization,
    parameters,
    initial,
    context,
    REGRESSION_EPOCH,
    REGRESSION_STEPS,
  );
  const used = quantizer?.used ?? parameters.tensors;
  const names = Object.keys(trainableTensors(parameters));
  const into = new Map(names.map((name) => [used[name], gradients.tensors[name]]));
  const state = optimizerState(device, optimizer, parameters.trainable.size);
  const table = tensor(device, stepTable(optimizer, { kind: "constant" }, REGRESSION_STEPS));
  const lossLog = zeros(device, [1, networks]);
  const { clock } = context;

  quantizer?.begin();
  using program = record(device, () => {
    const losses = meanSquaredError(model.forward(used, x), target);
    backward(losses, [...into.keys()], { into });
    const { trainable: parameter } = parameters;
    optimizerStep(optimizer, { parameter, gradient: gradients.trainable, state, clock, table });
    const params = { networks, batch: REGRESSION_ROWS, capacity: 1 };
    run(trainingClockKernels.advance, { losses, clock, lossLog }, params);
    quantizer?.run();
  });
  program.run(REGRESSION_STEPS);
  const fitted = await readParameters(quantizer?.rounded ?? parameters);
  if (quantizer === undefined) return fitted.map((one) => ({ parameters: one }));
  const [log] = await readAll([quantizer.statisticsLog]);
  const steps = Array.from(
    { length: REGRESSION_STEPS },
    (_, row) => statisticsAt(log, row, networks),
  );
  return fitted.map((one, p) => ({
    parameters: one,
    steps: steps.map((row, step) => ({ step: step + 1, ...row[p] })),
  }));
}
