import {
  dorefaWeights,
  dynamicQuantize,
  learnedStepQuantize,
  magnitudeWeights,
} from "../../autograd/mod.ts";
import { groupSizeOf } from "../../compression/mod.ts";
import type { Tensor } from "../../gpu/mod.ts";
import type {
  HostParameters,
  ParameterSpec,
  ParameterTensors,
  TrainingContext,
} from "../../models/mod.ts";
import {
  firstLevels,
  firstStep,
  type Levels,
  limitsOf,
  lowerBits,
  type Progressive,
} from "./learned_limits.ts";
import type { LearnedStepWeights, WeightEstimator } from "./spec.ts";

function levelsOf({ bits }: LearnedStepWeights): Levels {
  return { bits, isSigned: true };
}

/** Names of what belongs to the weight of a layer. */
function namesOf(layer: string): Record<"weight" | "step" | "limits", string> {
  const weight = `${layer}.weight`;
  return { weight, step: `${weight}.step`, limits: `${weight}.limits` };
}

/**
 * Declares what an estimator keeps beside a weight: learned steps, and their limits, which are a buffer.
 *
 * @param layer Name of the layer.
 * @param weight Its weight.
 * @param estimator How it is quantized.
 * @param progressive How bit-widths fall.
 * @returns Parameters; `x.weight.step [groups]` and `x.weight.limits [groups, 2]`, or none.
 */
export function weightParameters(
  layer: string,
  weight: ParameterSpec,
  estimator: WeightEstimator,
  progressive: Progressive,
): ParameterSpec[] {
  const groupSize = groupSizeOf(weight.shape, estimator.granularity, weight.name);
  if (estimator.kind !== "learnedStep") return [];
  const groups = weight.shape.reduce((a, b) => a * b, 1) / groupSize;
  const levels = firstLevels(levelsOf(estimator), progressive);
  const names = namesOf(layer);
  return [
    // weights are uniform up to the bound at first
    { name: names.step, shape: [groups], bound: 0, initial: firstStep(weight.bound / 2, levels) },
    { name: names.limits, shape: [groups, 2], bound: 0, initial: limitsOf(levels), isBuffer: true },
  ];
}

/**
 * Finds the steps that learned weights begin with: twice the mean magnitude over the root of qMax.
 *
 * @param layer Name of the layer.
 * @param shape Of its weight.
 * @param values The trained weight.
 * @param estimator How it is quantized.
 * @param progressive How bit-widths fall.
 * @returns Values of what {@link weightParameters} declares.
 */
export function firstWeightSteps(
  layer: string,
  shape: readonly number[],
  values: Float32Array,
  estimator: WeightEstimator,
  progressive: Progressive,
): HostParameters {
  if (estimator.kind !== "learnedStep") return {};
  const groupSize = groupSizeOf(shape, estimator.granularity, `${layer}.weight`);
  const groups = values.length / groupSize;
  const levels = firstLevels(levelsOf(estimator), progressive);
  const names = namesOf(layer);
  const steps = Float32Array.from({ length: groups }, (_, group) => {
    const run = values.subarray(group * groupSize, (group + 1) * groupSize);
    return firstStep(run.reduce((sum, w) => sum + Math.abs(w), 0) / groupSize, levels);
  });
  const limits = limitsOf(levels);
  return {
    [names.step]: steps,
    [names.limits]: Float32Array.from({ length: 2 * groups }, (_, i) => limits[i % 2]),
  };
}

/**
 * Quantizes the weight of a layer, differentiably.
 *
 * @param layer Name of the layer.
 * @param parameters Of all networks.
 * @param estimator How.
 * @param progressive How bit-widths fall.
 * @param training There while training.
 * @returns `[networks, outputs, ...]`.
 */
export function quantizedWeight(
  layer: string,
  parameters: ParameterTensors,
  estimator: WeightEstimator,
  progressive: Progressive,
  training: TrainingContext | undefined,
): Tensor {
  const names = namesOf(layer);
  const weight = parameters[names.weight];
  const inner = groupSizeOf(weight.shape.slice(1), estimator.granularity, names.weight);
  switch (estimator.kind) {
    case "learnedStep": {
      const [step, limits] = [parameters[names.step], parameters[names.limits]];
      lowerBits({ limits, step }, levelsOf(estimator), progressive, training);
      const levels = estimator.bits === 1 ? "signs" : "integers";
      return learnedStepQuantize(weight, { step, limits, inner, levels, count: inner });
    }
    case "straightThrough": {
      const { bits, symmetric } = estimator;
      return dynamicQuantize(weight, { bits, symmetric, inner });
    }
    case "dorefa":
      return dorefaWeights(weight, estimator.bits, inner);
    case "magnitude":
      return magnitudeWeights(weight, estimator.levels, inner);
  }
}
