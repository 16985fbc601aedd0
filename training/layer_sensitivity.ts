import { backward, crossEntropy } from "../autograd/mod.ts";
import {
  dequantizeWeight,
  type HessianTraceOptions,
  hessianTraces,
  type LayerChoices,
  type NamedValues,
  packedBytes,
  type QuantizedWeight,
  type TraceEstimate,
} from "../compression/mod.ts";
import { type Chunk, splitChunk } from "../data/mod.ts";
import { type Device, readAll } from "../gpu/mod.ts";
import {
  type HostParameters,
  type Model,
  networksAtOnce,
  parameterShape,
  type ParameterTensors,
  rowsAtOnce,
  uploadParameters,
} from "../models/mod.ts";
import { evaluate } from "./evaluate.ts";

/**
 * Quantizes the weight of one layer to a bit-width.
 *
 * @param values Of the weight.
 * @param shape Outputs first.
 * @param bits Bits of a code.
 * @returns Codes and grids.
 */
export type QuantizeToBits = (
  values: Float32Array<ArrayBuffer>,
  shape: readonly number[],
  bits: number,
) => QuantizedWeight;

/** Networks that run side by side, unless they are too wide. */
export const NETWORKS_AT_ONCE = 32;
/** Networks that are differentiated side by side, unless they are too wide. */
const DIFFERENTIATED_AT_ONCE = 8;
/** A backward pass has the gradient of what pooling by 2 x 2 left out of the forward pass. */
const POOLED = 4;

function weightNames({ layers }: Model): string[] {
  return layers.map((layer) => `${layer}.weight`);
}

/**
 * Measures how much each layer's weight suffers from each bit-width: the network's loss with that one
 * layer quantized, less its loss without. All variants run as one population.
 *
 * @param device Where.
 * @param model The model, its batch norms folded.
 * @param parameters Trained values of one network.
 * @param chunks Training images to measure on.
 * @param bits Bit-widths to try.
 * @param quantize How to quantize a weight.
 * @returns For every layer bytes and sensitivity (in nats) of each bit-width, ready for an allocation.
 */
export async function measureSensitivities(
  device: Device,
  model: Model,
  parameters: HostParameters,
  chunks: readonly Chunk[],
  bits: readonly number[],
  quantize: QuantizeToBits,
): Promise<LayerChoices[]> {
  const variants = weightNames(model).flatMap((name) => {
    const shape = parameterShape(model, name);
    return bits.map((b) => ({ name, bits: b, weight: quantize(parameters[name], shape, b) }));
  });
  const networks = [
    parameters,
    ...variants.map(({ name, weight }) => ({ ...parameters, [name]: dequantizeWeight(weight) })),
  ];
  const losses: number[] = [];
  const atOnce = networksAtOnce(model, NETWORKS_AT_ONCE);
  for (let first = 0; first < networks.length; first += atOnce) {
    using _scope = device.scope();
    const part = networks.slice(first, first + atOnce);
    const { tensors } = uploadParameters(device, model, part);
    const found = await evaluate(model, tensors, part.length, chunks);
    losses.push(...found.map(({ loss }) => loss));
  }
  return model.layers.map((layer, i) => ({
    layer,
    choices: bits.map((b, j) => {
      const { weight } = variants[i * bits.length + j];
      return {
        bits: b,
        bytes: packedBytes(weight),
        sensitivity: losses[1 + i * bits.length + j] - losses[0],
      };
    }),
  }));
}

/** The gradients of the mean loss over all images, of every network. */
async function gradientsOf(
  device: Device,
  model: Model,
  tensors: ParameterTensors,
  networks: number,
  chunks: readonly Chunk[],
): Promise<NamedValues[]> {
  const names = weightNames(model);
  const sums = names.map((name) => new Float32Array(tensors[name].size));
  const count = chunks.reduce((sum, chunk) => sum + chunk.count, 0);
  const atOnce = rowsAtOnce(model, POOLED * networks);
  for (const part of chunks.flatMap((chunk) => splitChunk(chunk, atOnce))) {
    using _scope = device.scope();
    const { source, rows, labels } = part;
    const losses = crossEntropy(model.forward(tensors, { source, rows }), labels);
    const weights = names.map((name) => tensors[name]);
    const gradients = backward(losses, weights);
    const values = await readAll(weights.map((weight) => gradients.get(weight)!));
    values.forEach((value, i) => {
      for (let j = 0; j < value.length; j++) sums[i][j] += value[j] * part.count / count;
    });
  }
  return Array.from(
    { length: networks },
    (_, network) =>
      Object.fromEntries(names.map((name, i) => {
        const size = sums[i].length / networks;
        return [name, sums[i].slice(network * size, (network + 1) * size)];
      })),
  );
}

/**
 * Estimates the Hessian trace of every layer's weight, of the mean loss over images.
 *
 * @param device Where gradients are computed.
 * @param model The model, its batch norms folded.
 * @param parameters Trained values of one network.
 * @param chunks Training images.
 * @param options Samples, seed and step.
 * @returns An estimate a weight, by its name.
 * @see Dong et al. 2020, HAWQ-V2, arXiv:1911.03852
 */
export function layerHessianTraces(
  device: Device,
  model: Model,
  parameters: HostParameters,
  chunks: readonly Chunk[],
  options: HessianTraceOptions,
): Promise<Readonly<Record<string, TraceEstimate>>> {
  const weights = Object.fromEntries(weightNames(model).map((name) => [name, parameters[name]]));
  return hessianTraces(weights, async (networks) => {
    const found: NamedValues[] = [];
    const atOnce = networksAtOnce(model, DIFFERENTIATED_AT_ONCE, POOLED);
    for (let first = 0; first < networks.length; first += atOnce) {
      using _scope = device.scope();
      const part = networks.slice(first, first + atOnce);
      const all = part.map((network) => ({ ...parameters, ...network }));
      const { tensors } = uploadParameters(device, model, all);
      found.push(...await gradientsOf(device, model, tensors, part.length, chunks));
    }
    return found;
  }, options);
}
