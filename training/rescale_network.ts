import {
  equalizeLayers,
  type EqualizeOptions,
  inputMaxima,
  type ScalableLayer,
  smoothActivations,
} from "../compression/mod.ts";
import type { Chunk } from "../data/mod.ts";
import type { Device, Tensor } from "../gpu/mod.ts";
import {
  type HostParameters,
  type Model,
  parameterShape,
  uploadParameters,
} from "../models/mod.ts";

function layersOf(model: Model, parameters: HostParameters): Record<string, ScalableLayer> {
  if (model.batchNorms !== undefined) {
    throw new TypeError(`Cannot rescale ${model.title}: its batch norms must be folded first`);
  }
  return Object.fromEntries(model.layers.map((layer) => [layer, {
    weight: parameters[`${layer}.weight`],
    shape: parameterShape(model, `${layer}.weight`),
    bias: parameters[`${layer}.bias`],
    groups: model.convolutions?.[layer]?.groups,
  }]));
}

function withLayers(
  parameters: HostParameters,
  layers: Readonly<Record<string, ScalableLayer>>,
): HostParameters {
  const changed = Object.entries(layers).flatMap(([layer, { weight, bias }]) => [
    [`${layer}.weight`, weight],
    ...bias === undefined ? [] : [[`${layer}.bias`, bias]],
  ]);
  return { ...parameters, ...Object.fromEntries(changed) };
}

/**
 * Equalizes the ranges of all channels that only ReLU and pooling separate; see `equalizeLayers`.
 *
 * @param model The model, its batch norms folded.
 * @param parameters Its weights.
 * @param options When to stop.
 * @returns Weights and biases of a network that computes the same but for rounding.
 * @throws {TypeError} If the model has batch norms.
 * @see Nagel et al. 2019, arXiv:1906.04721
 */
export function equalizeNetwork(
  model: Model,
  parameters: HostParameters,
  options: EqualizeOptions = {},
): HostParameters {
  const layers = layersOf(model, parameters);
  return withLayers(parameters, equalizeLayers(layers, model.homogeneousPairs ?? [], options));
}

/**
 * Moves factors from activations into the weights behind them, for all channels that only ReLU and
 * pooling separate; see `smoothActivations`.
 *
 * Ranges are those of the network as it is: rescaling a pair changes the input of its second layer alone.
 * The images themselves, and inputs behind a residual sum, stay as they are.
 *
 * @param device Where the network runs.
 * @param model The model, its batch norms folded.
 * @param parameters Its weights.
 * @param chunks Calibration images; the inputs of all layers stay on the GPU until the end.
 * @param alpha Strength of the migration, 0 to 1; 0.5 if left out.
 * @returns Weights and biases of a network that computes the same but for rounding.
 * @throws {TypeError} If the model has batch norms.
 * @throws {RangeError} If alpha is out of range, there are no images, or an activation is not finite, with
 *   the name of its layer.
 * @see Xiao et al. 2022, arXiv:2211.10438
 */
export async function smoothNetwork(
  device: Device,
  model: Model,
  parameters: HostParameters,
  chunks: readonly Chunk[],
  alpha?: number,
): Promise<HostParameters> {
  using _scope = device.scope();
  const layers = layersOf(model, parameters);
  const { tensors } = uploadParameters(device, model, [parameters]);
  const inputs = new Map<string, Tensor[]>(model.layers.map((layer) => [layer, []]));
  for (const { source, rows } of chunks) {
    model.forward(tensors, { source, rows }, {
      layerInput(layer, x) {
        inputs.get(layer)!.push(x);
        return x;
      },
    });
  }
  for (const [first, second] of model.homogeneousPairs ?? []) {
    const maxima = await inputMaxima(inputs.get(second)!, layers[first].shape[0], second);
    [layers[first], layers[second]] = smoothActivations(
      layers[first],
      layers[second],
      maxima,
      alpha,
    );
  }
  return withLayers(parameters, layers);
}
