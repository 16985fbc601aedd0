import {
  dequantizeWeight,
  type LevelQuantization,
  quantizeToLevels,
} from "../../compression/mod.ts";
import type { HostParameters, Model, ParameterSpec } from "../../models/mod.ts";
import { WEIGHT_STREAM } from "../../training/mod.ts";
import type { Metrics } from "../metrics.ts";
import type { Trial } from "../trial.ts";

/** What is rounded: weights, but neither biases nor norms. */
function weightsOf(model: Model): ParameterSpec[] {
  return model.parameters.filter(({ shape, isBuffer }) => shape.length >= 2 && !isBuffer);
}

/**
 * Puts the weights of a trained network on a grid around 0, biases left alone.
 *
 * @param model The model.
 * @param host Its trained weights.
 * @param quantization Bits, rounding and scale.
 * @param seed Of stochastic rounding: networks of different seeds share no random numbers.
 * @returns The same network with rounded weights.
 */
export function onLevels(
  model: Model,
  host: HostParameters,
  { bits, rounding, scale }: LevelQuantization,
  seed: number,
): HostParameters {
  const rounded = weightsOf(model).map(({ name, shape }, i) => {
    const randomness = { seed, stream: WEIGHT_STREAM + i, step: 0 };
    const how = { bits, rounding, scale };
    const weight = quantizeToLevels(host[name], shape, how, randomness, name);
    return [name, dequantizeWeight(weight)] as const;
  });
  return { ...host, ...Object.fromEntries(rounded) };
}

/** How many weights are 0, and how large they are. */
export interface WeightMetrics {
  readonly zeroWeights: number;
  readonly weightNorm: number;
}

/**
 * Measures the weights of a network, without biases.
 *
 * @param model The model.
 * @param network Its weights.
 * @returns Share of zeros and Euclidean norm.
 */
export function weightMetrics(model: Model, network: HostParameters): WeightMetrics {
  let [count, zeros, squares] = [0, 0, 0];
  for (const { name } of weightsOf(model)) {
    count += network[name].length;
    for (const value of network[name]) {
      if (value === 0) zeros++;
      squares += value * value;
    }
  }
  return { zeroWeights: zeros / count, weightNorm: Math.sqrt(squares) };
}

/**
 * Measures the weights of a network that is on a grid around 0, by training or after it.
 *
 * @param model The model.
 * @param host Its trained weights.
 * @param trial Says how they were rounded.
 * @returns Zeros and norm; nothing for other trials.
 */
export function levelMetrics(
  model: Model,
  host: HostParameters,
  { compression, training, seed }: Trial,
): Pick<Metrics, keyof WeightMetrics> {
  if (compression.kind === "levels") {
    return weightMetrics(model, onLevels(model, host, compression, seed));
  }
  return training.weightQuantization === undefined ? {} : weightMetrics(model, host);
}
