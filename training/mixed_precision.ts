import {
  type BitAllocation,
  dequantizeWeight,
  hessianSensitivity,
  type LayerChoices,
  packedBytes,
  type TraceEstimate,
} from "../compression/mod.ts";
import type { Chunk } from "../data/mod.ts";
import type { Device } from "../gpu/mod.ts";
import {
  type HostParameters,
  type Model,
  networksAtOnce,
  parameterShape,
  uploadParameters,
} from "../models/mod.ts";
import { evaluate, type Evaluation } from "./evaluate.ts";
import { NETWORKS_AT_ONCE, type QuantizeToBits } from "./layer_sensitivity.ts";

/**
 * Gives bytes and estimated sensitivity of every layer at every bit-width, from Hessian traces.
 *
 * @param model The model.
 * @param parameters Trained values of one network.
 * @param traces Of every layer's weight, from `layerHessianTraces`.
 * @param bits Bit-widths to choose from.
 * @param quantize How to quantize a weight.
 * @returns Choices, ready for an allocation.
 * @throws {RangeError} If a trace is missing, with the weight's name.
 * @see Dong et al. 2020, HAWQ-V2, arXiv:1911.03852
 */
export function hessianChoices(
  model: Model,
  parameters: HostParameters,
  traces: Readonly<Record<string, TraceEstimate>>,
  bits: readonly number[],
  quantize: QuantizeToBits,
): LayerChoices[] {
  return model.layers.map((layer) => {
    const name = `${layer}.weight`;
    const values = parameters[name];
    if (traces[name] === undefined) {
      throw new RangeError(
        `Cannot estimate sensitivities: every weight needs a trace: that of "${name}" is missing`,
      );
    }
    const choices = bits.map((b) => {
      const weight = quantize(values, parameterShape(model, name), b);
      return {
        bits: b,
        bytes: packedBytes(weight),
        sensitivity: hessianSensitivity(traces[name].trace, values, dequantizeWeight(weight)),
      };
    });
    return { layer, choices };
  });
}

/** An allocation, and how well the network does with it. */
export interface MeasuredAllocation {
  /** Bits of every layer, bytes and estimated sensitivity. */
  readonly allocation: BitAllocation;
  /** Accuracy and loss with these bits. */
  readonly evaluation: Evaluation;
}

/**
 * Measures whole allocations: weights of each layer at its bits, all allocations as one population.
 *
 * @param device Where.
 * @param model The model, its batch norms folded.
 * @param parameters Trained values of one network.
 * @param chunks Images to measure on.
 * @param allocations From `allocationFront`, or any others.
 * @param quantize How to quantize a weight.
 * @returns One evaluation an allocation, in order; `paretoFront` removes what is dominated.
 * @throws {RangeError} If an allocation leaves out a layer.
 */
export async function measureAllocations(
  device: Device,
  model: Model,
  parameters: HostParameters,
  chunks: readonly Chunk[],
  allocations: readonly BitAllocation[],
  quantize: QuantizeToBits,
): Promise<MeasuredAllocation[]> {
  const rounded = new Map<string, Float32Array<ArrayBuffer>>();
  const roundedTo = (layer: string, bits: number | undefined): Float32Array<ArrayBuffer> => {
    if (bits === undefined) {
      throw new RangeError(
        `Cannot measure an allocation: every layer must have bits: "${layer}" has none`,
      );
    }
    const name = `${layer}.weight`;
    const key = `${name} ${bits}`;
    const values = rounded.get(key) ??
      dequantizeWeight(quantize(parameters[name], parameterShape(model, name), bits));
    rounded.set(key, values);
    return values;
  };
  const measured: MeasuredAllocation[] = [];
  const atOnce = networksAtOnce(model, NETWORKS_AT_ONCE);
  for (let first = 0; first < allocations.length; first += atOnce) {
    using _scope = device.scope();
    const part = allocations.slice(first, first + atOnce);
    const networks = part.map(({ bits }): HostParameters => ({
      ...parameters,
      ...Object.fromEntries(
        model.layers.map((layer) => [`${layer}.weight`, roundedTo(layer, bits[layer])]),
      ),
    }));
    const { tensors } = uploadParameters(device, model, networks);
    const evaluations = await evaluate(model, tensors, part.length, chunks);
    part.forEach((allocation, i) => measured.push({ allocation, evaluation: evaluations[i] }));
  }
  return measured;
}
