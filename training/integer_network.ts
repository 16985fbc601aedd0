import {
  type AffineGrid,
  type IntegerLayerSource,
  type IntegerNetwork,
  integerNetwork,
  type QuantizedWeight,
} from "../compression/mod.ts";
import type { HostParameters, Model } from "../models/mod.ts";

/** A network after quantization: everything that integer inference is made of. */
export interface IntegerNetworkSource {
  /** Parameters of the network, of which biases are used. */
  readonly parameters: HostParameters;
  /** The weight of each layer, by the weight's name, such as `fc1.weight`. */
  readonly weights: Readonly<Record<string, QuantizedWeight>>;
  /** The grid of each layer's input, by the layer's name. */
  readonly inputGrids: Readonly<Record<string, AffineGrid>>;
}

/**
 * Makes of a quantized model what an integer runtime computes.
 *
 * @param model A model whose layers stand in one line, its batch norms folded.
 * @param quantized Weights, biases and grids.
 * @returns The integer network.
 * @throws {RangeError} If layers do not stand in one line, a weight or grid is missing, or a layer cannot
 *   compute with integers.
 */
export function toIntegers(model: Model, quantized: IntegerNetworkSource): IntegerNetwork {
  const { tails, layers, inputShape, convolutions, title } = model;
  if (tails === undefined) {
    throw new RangeError(
      `Cannot compute with integers: the layers must stand in one line: those of ${title} do not`,
    );
  }
  const steps = layers.map((layer): IntegerLayerSource => {
    const weight = quantized.weights[`${layer}.weight`];
    const inputGrid = quantized.inputGrids[layer];
    const bias = quantized.parameters[`${layer}.bias`];
    if (weight === undefined || inputGrid === undefined || bias === undefined) {
      const missing = weight === undefined ? "weight" : bias === undefined ? "bias" : "input grid";
      throw new RangeError(
        `Cannot compute with integers: every layer needs a quantized weight, a bias and the grid of ` +
          `its input: the ${missing} of "${layer}" is missing`,
      );
    }
    return { layer, weight, bias, inputGrid, ...tails[layer], convolution: convolutions?.[layer] };
  });
  return integerNetwork(inputShape, steps);
}
