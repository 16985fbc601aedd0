import { linear, linearOfPixels, type LinearOptions } from "../autograd/mod.ts";
import type { Tensor } from "../gpu/mod.ts";
import { asTensor, type ForwardHooks, type ModelInput, type ParameterTensors } from "./model.ts";

/**
 * Computes a linear layer of a network, with what looks at its input and output.
 *
 * @param layer Its name, such as `fc1`.
 * @param input `[networks or 1, rows, inputs]`, or the rows of a resident set.
 * @param parameters Of all layers.
 * @param options Whether a ReLU follows.
 * @param hooks What looks on; without any at the input, pixels are read as they are needed.
 * @returns `[networks, rows, outputs]`.
 */
export function linearLayer(
  layer: string,
  input: ModelInput,
  parameters: ParameterTensors,
  options: LinearOptions,
  hooks: ForwardHooks,
): Tensor {
  const [weight, bias] = [parameters[`${layer}.weight`], parameters[`${layer}.bias`]];
  const compute = (): Tensor => {
    if ("source" in input && hooks.layerInput === undefined) {
      return linearOfPixels(input, weight, bias, options);
    }
    const seen = asTensor(input);
    return linear(hooks.layerInput?.(layer, seen) ?? seen, weight, bias, options);
  };
  const y = compute();
  hooks.layerOutput?.(layer, y);
  return y;
}
