import {
  dynamicGrids,
  fakeQuantize,
  learnedClipQuantize,
  learnedStepQuantize,
} from "../../autograd/mod.ts";
import { chooseQuantParams, type Range } from "../../compression/mod.ts";
import { slice, type Tensor } from "../../gpu/mod.ts";
import type {
  HostParameters,
  Model,
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
import type { LayerQuantization, LearnedStepInputs } from "./spec.ts";

/** What calibration images say of the input of a layer. */
export interface InputStatistics extends Range {
  /** Mean of |x|. */
  readonly meanMagnitude: number;
}

/**
 * What a layer's input is taken for before anything is known of it: a normal number, or a ReLU of one, which
 * it is wherever the model does not say otherwise.
 */
function assumedOf(model: Model, layer: string): InputStatistics {
  const before = model.layers[model.layers.indexOf(layer) - 1];
  const isSigned = model.tails?.[before]?.relu === false;
  return isSigned
    ? { low: -4, high: 4, meanMagnitude: 0.8 }
    : { low: 0, high: 4, meanMagnitude: 0.4 };
}

const MOMENTUM = 0.01;

function names(layer: string): Record<"step" | "limits" | "offset" | "clip" | "range", string> {
  const of = (what: string) => `${layer}.input.${what}`;
  return {
    step: of("step"),
    limits: of("limits"),
    offset: of("offset"),
    clip: of("clip"),
    range: of("range"),
  };
}

/** Where pixels lie after normalization. */
function pixelRange({ normalization }: Model): Range {
  if (normalization === undefined) return { low: 0, high: 1 };
  const { mean, std } = normalization;
  return {
    low: Math.min(...mean.map((m, c) => -m / std[c])),
    high: Math.max(...mean.map((m, c) => (1 - m) / std[c])),
  };
}

function vector(name: string, values: readonly number[], isBuffer: boolean): ParameterSpec {
  const shape = values.length === 1 ? [1] : [1, values.length];
  return { name, shape, bound: 0, initial: values, ...isBuffer && { isBuffer } };
}

function levelsFor({ bits, signs = false }: LearnedStepInputs, { low }: InputStatistics): Levels {
  return { bits, isSigned: signs || (low < 0 && bits > 1) };
}

/**
 * Declares what quantizing the inputs of a layer keeps, each `[1]` or `[1, 2]` a network: steps, offsets
 * and clips that learn; limits and moving ranges, which are buffers; the fixed step of pixels.
 *
 * @param model The float model.
 * @param layer Name of the layer.
 * @param quantization What is done to it.
 * @param progressive How bit-widths fall.
 * @param seen What is known of the inputs; without it what the layer before makes of a normal number.
 * @returns Parameters, with their initial values.
 */
export function inputParameters(
  model: Model,
  layer: string,
  { inputs, image }: LayerQuantization,
  progressive: Progressive,
  seen: InputStatistics = assumedOf(model, layer),
): ParameterSpec[] {
  const { step, limits, offset, clip, range } = names(layer);
  if (image !== undefined) {
    const grid = chooseQuantParams(pixelRange(model), image);
    const { scale, zeroPoint, qMin, qMax } = grid;
    return [
      vector(step, [scale], true),
      vector(limits, [qMin - zeroPoint, qMax - zeroPoint], true),
    ];
  }
  switch (inputs?.kind) {
    case undefined:
      return [];
    case "straightThrough":
      return [vector(range, [Math.min(seen.low, 0), Math.max(seen.high, 0)], true)];
    case "learnedClip": {
      const levels = { bits: inputs.bits, isSigned: false };
      const [, qMax] = limitsOf(levels);
      // the end of LSQ's first range: at the largest value nothing would be clipped, and nothing learned
      const end = qMax * firstStep(seen.meanMagnitude, levels);
      return [vector(clip, [end], false), vector(limits, limitsOf(levels), true)];
    }
    case "learnedStep": {
      const levels = firstLevels(levelsFor(inputs, seen), progressive);
      return [
        vector(step, [firstStep(seen.meanMagnitude, levels)], false),
        ...inputs.offset ? [vector(offset, [0], false)] : [],
        vector(limits, limitsOf(levels), true),
      ];
    }
  }
}

/**
 * Finds what quantized inputs begin with, from calibration images.
 *
 * @param model The float model.
 * @param layer Name of the layer.
 * @param quantization What is done to it.
 * @param progressive How bit-widths fall.
 * @param seen What calibration images say.
 * @returns Values of what {@link inputParameters} declares.
 */
export function firstInputSteps(
  model: Model,
  layer: string,
  quantization: LayerQuantization,
  progressive: Progressive,
  seen: InputStatistics,
): HostParameters {
  return Object.fromEntries(
    inputParameters(model, layer, quantization, progressive, seen)
      .map(({ name, initial }) => [name, Float32Array.from(initial as readonly number[])]),
  );
}

/**
 * Quantizes the input of a layer, differentiably.
 *
 * @param layer Name of the layer.
 * @param x `[networks or 1, rows, ...]`.
 * @param parameters Of all networks.
 * @param quantization What is done to it.
 * @param progressive How bit-widths fall.
 * @param training There while training.
 * @returns The same shape.
 */
export function quantizedInput(
  layer: string,
  x: Tensor,
  parameters: ParameterTensors,
  { inputs, image }: LayerQuantization,
  progressive: Progressive,
  training: TrainingContext | undefined,
): Tensor {
  if (inputs === undefined && image === undefined) return x;
  const [networks, rows] = x.shape;
  const inner = x.size / networks;
  const of = (what: keyof ReturnType<typeof names>): Tensor => {
    const found = parameters[names(layer)[what]];
    // images that networks share are on the grid that all of them have
    return networks < found.shape[0] ? slice(found, 0, [1, ...found.shape.slice(1)]) : found;
  };
  if (inputs === undefined) {
    return learnedStepQuantize(x, { step: of("step"), limits: of("limits"), inner });
  }
  switch (inputs.kind) {
    case "straightThrough": {
      const { bits, momentum = MOMENTUM, warmUp: steps } = inputs;
      const range = of("range");
      if (training === undefined) {
        return fakeQuantize(x, dynamicGrids(x, { bits, range, inner, momentum: 0 }));
      }
      const warmUp = steps === undefined ? undefined : { clock: training.clock, steps };
      return fakeQuantize(x, dynamicGrids(x, { bits, range, inner, momentum, warmUp }));
    }
    case "learnedClip":
      return learnedClipQuantize(x, { clip: of("clip"), limits: of("limits"), inner });
    case "learnedStep": {
      const [step, limits] = [of("step"), of("limits")];
      const offset = inputs.offset ? of("offset") : undefined;
      lowerBits(
        { limits, step },
        { bits: inputs.bits, isSigned: inputs.signs === true },
        progressive,
        training,
      );
      const levels = inputs.signs ? "signs" : "integers";
      return learnedStepQuantize(x, { step, offset, limits, inner, levels, count: inner / rows });
    }
  }
}
