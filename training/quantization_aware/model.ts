import { UserError } from "../../formats/mod.ts";
import type { Tensor } from "../../gpu/mod.ts";
import type {
  ForwardHooks,
  Model,
  ModelInput,
  ParameterSpec,
  ParameterTensors,
} from "../../models/mod.ts";
import type { TrainingPlan } from "../plan.ts";
import { inputParameters, quantizedInput } from "./input_estimator.ts";
import { checkQuantizationAware, inputEstimatorsOf } from "./mistakes.ts";
import { layerQuantization, type QuantizationAwareSpec } from "./spec.ts";
import { quantizedWeight, weightParameters } from "./weight_estimator.ts";

/** A model that quantizes as it computes; a copy of it does so too. */
export interface QuantizationAwareModel extends Model {
  /** What is quantized, and how: a trainer looks whether its plan goes with it. */
  readonly quantization: QuantizationAwareSpec;
}

/** Names what is quantized, for a title. */
function describe({ weights, inputs, image }: QuantizationAwareSpec): string {
  const bitsOf = (one: { readonly bits?: unknown; readonly levels?: string } | undefined) =>
    one === undefined ? "float" : `${one.levels ?? one.bits}`;
  return `weights ${bitsOf(weights)}, inputs ${bitsOf(inputs)}, image ${bitsOf(image)}`;
}

/**
 * Wraps a model in one that quantizes its weights and the inputs of its layers as it computes, and so
 * learns to be quantized; trainer, checkpoint, population and evaluation take it as any other model.
 *
 * Its parameters are those of the model, in float32 (the shadow weights, which the optimizer moves),
 * and those of the estimators: `fc1.weight.step`, `fc1.input.step` and alike, which learn, and limits
 * and ranges, which are buffers. Biases stay float32. Batch norms stay as they are: floating-point
 * operations of their own, by batch statistics while training. To train a network whose norms are part
 * of its weights, wrap what `foldBatchNorms` gives.
 *
 * @param model The float model.
 * @param spec What is quantized, and how.
 * @returns A model; `hooks.layerInput` sees quantized inputs.
 * @throws {UserError} If a number of the specification is out of range.
 * @throws {RangeError} If a group of weights does not divide a row.
 * @see Jacob et al. 2018, arXiv:1712.05877, section 3
 */
export function quantizationAware(
  model: Model,
  spec: QuantizationAwareSpec,
): QuantizationAwareModel {
  checkQuantizationAware(spec);
  const { layers, batchNorms: _batchNorms, ...rest } = model;
  const { progressive } = spec;
  const quantization = new Map(
    layers.map((layer) => [layer, layerQuantization(spec, layers, layer)]),
  );
  const weightOf = (layer: string): ParameterSpec =>
    model.parameters.find(({ name }) => name === `${layer}.weight`)!;
  const added = [...quantization].flatMap(([layer, ofLayer]) => [
    ...ofLayer.weights === undefined
      ? []
      : weightParameters(layer, weightOf(layer), ofLayer.weights, progressive),
    ...inputParameters(model, layer, ofLayer, progressive),
  ]);
  const isSeen = [...quantization.values()].some(({ inputs, image }) => inputs ?? image);
  return Object.freeze({
    ...rest,
    quantization: spec,
    title: `${model.title} (${describe(spec)})`,
    layers,
    parameters: [...model.parameters, ...added],
    forward(parameters: ParameterTensors, x: ModelInput, hooks: ForwardHooks = {}): Tensor {
      const tensors: Record<string, Tensor> = { ...parameters };
      for (const [layer, { weights }] of quantization) {
        if (weights === undefined) continue;
        tensors[`${layer}.weight`] = quantizedWeight(
          layer,
          parameters,
          weights,
          progressive,
          hooks.training,
        );
      }
      const layerInput = (layer: string, input: Tensor): Tensor => {
        const ofLayer = quantization.get(layer)!;
        const seen = quantizedInput(layer, input, parameters, ofLayer, progressive, hooks.training);
        return hooks.layerInput?.(layer, seen) ?? seen;
      };
      return model.forward(tensors, x, {
        ...hooks,
        ...isSeen && { layerInput },
      });
    },
  });
}

/**
 * Refuses a plan that does not go with what a model quantizes.
 *
 * @param model Any model; one that does not quantize goes with every plan.
 * @param plan How it is to be trained.
 * @param totalSteps Steps of that training.
 * @throws {UserError} If weights are averaged while bits fall, or bits fall or ranges warm up for longer
 *   than it lasts.
 */
export function checkPlanOf(
  model: Model,
  plan: Pick<TrainingPlan, "emaDecay">,
  totalSteps: number,
): void {
  const { quantization } = model as Partial<QuantizationAwareModel>;
  if (quantization === undefined) return;
  checkQuantizationAware(quantization, plan);
  const { steps } = quantization.progressive ?? { steps: 0 };
  if (steps > totalSteps) {
    throw new UserError(
      `Cannot train under quantization: bits must have fallen by the end, after ${totalSteps} ` +
        `steps: they do after ${steps}`,
    );
  }
  for (const one of inputEstimatorsOf(quantization)) {
    if (one.kind !== "straightThrough" || (one.warmUp ?? 0) < totalSteps) continue;
    throw new UserError(
      `Cannot train under quantization: ranges must be warm before the end, after ${totalSteps} ` +
        `steps: they are after ${one.warmUp}`,
    );
  }
}
