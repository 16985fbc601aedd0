import {
  type AffineGrid,
  type IntegerLayerSource,
  type IntegerNetwork,
  integerNetwork,
  type QuantizedWeight,
} from "../compression/mod.ts";
import { type HostParameters, type Model, parameterShape } from "../models/mod.ts";

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
 * @param model A model of layers and shortcuts alone, its batch norms folded.
 * @param quantized Weights, biases and grids.
 * @returns The integer network.
 * @throws {RangeError} If something else stands between layers, a weight or grid is missing, or a layer cannot
 *   compute with integers.
 */
export function toIntegers(model: Model, quantized: IntegerNetworkSource): IntegerNetwork {
  const { tails, layers, inputShape, convolutions, title, batchNorms } = model;
  if (tails === undefined) {
    throw new RangeError(
      "Cannot compute with integers: nothing but shortcuts, ReLU and pooling may stand between layers: " +
        `of ${title} ${batchNorms === undefined ? "something else does" : "batch norms do"}`,
    );
  }
  const gridOf = (layer: string): AffineGrid => {
    const grid = quantized.inputGrids[layer];
    if (grid === undefined) throw missing("input grid", layer);
    return grid;
  };
  const steps = layers.map((layer): IntegerLayerSource => {
    const weight = quantized.weights[`${layer}.weight`];
    if (weight === undefined) throw missing("weight", layer);
    const bias = quantized.parameters[`${layer}.bias`];
    if (bias === undefined) throw missing("bias", layer);
    const { shortcut: from, ...tail } = tails[layer];
    return {
      layer,
      weight,
      bias,
      inputGrid: gridOf(layer),
      ...tail,
      ...from !== undefined && {
        shortcut: { from, grid: gridOf(from), channels: channelsOf(model, from) },
      },
      convolution: convolutions?.[layer],
    };
  });
  return integerNetwork(inputShape, steps);
}

/** Channels of a convolution's input. */
function channelsOf(model: Model, layer: string): number {
  const [, each] = parameterShape(model, `${layer}.weight`);
  return each * (model.convolutions?.[layer]?.groups ?? 1);
}

function missing(what: string, layer: string): RangeError {
  return new RangeError(
    "Cannot compute with integers: every layer needs a quantized weight, a bias and the grid of its " +
      `input: the ${what} of "${layer}" is missing`,
  );
}
