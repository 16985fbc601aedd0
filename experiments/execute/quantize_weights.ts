import {
  chooseWeightGrids,
  dequantizeWeight,
  packedBytes,
  type QuantizedWeight,
  roundToGrids,
  type WeightGridOptions,
  type WeightRounding,
} from "../../compression/mod.ts";
import { type HostParameters, type Model, parameterShape } from "../../models/mod.ts";

/** Quantizes one weight, row-major `[outputs, ...]`; `name` is such as `fc1.weight`. */
export type QuantizeOneWeight = (
  values: Float32Array,
  shape: readonly number[],
  name: string,
) => QuantizedWeight;

/** A network whose weights were quantized, one after the other. */
export interface WeightQuantizedNetwork {
  /** What it computes with: dequantized weights, and biases as they were. */
  readonly parameters: HostParameters;
  /** Codes and grids by layer. */
  readonly weights: Readonly<Record<string, QuantizedWeight>>;
  /** Of all codes and grids, packed. */
  readonly bytes: number;
}

/**
 * Quantizes the weight of every layer; biases stay as they are.
 *
 * @param model The model, its batch norms folded.
 * @param parameters Of one network.
 * @param quantize What is done to a weight.
 * @returns The quantized network.
 */
export function quantizeWeights(
  model: Model,
  parameters: HostParameters,
  quantize: QuantizeOneWeight,
): WeightQuantizedNetwork {
  const weights: Record<string, QuantizedWeight> = {};
  const dequantized: Record<string, Float32Array<ArrayBuffer>> = {};
  for (const layer of model.layers) {
    const name = `${layer}.weight`;
    const shape = parameterShape(model, name);
    weights[layer] = quantize(parameters[name], shape, name);
    dequantized[name] = dequantizeWeight(weights[layer]);
  }
  return { parameters: { ...parameters, ...dequantized }, weights, bytes: bytesOf(weights) };
}

/**
 * Counts what the weights of a network take.
 *
 * @param weights Codes and grids, by any name.
 * @returns Bytes of all of them, packed.
 */
export function bytesOf(weights: Readonly<Record<string, QuantizedWeight>>): number {
  return Object.values(weights).reduce((sum, weight) => sum + packedBytes(weight), 0);
}

/**
 * Makes what rounds one weight to grids that are chosen from its values alone.
 *
 * @param options How the grids are chosen; the weight's own name becomes their label.
 * @param rounding How values become levels.
 * @returns What {@link quantizeWeights} takes.
 */
export function roundOnGrids(
  options: WeightGridOptions,
  rounding: WeightRounding,
): QuantizeOneWeight {
  return (values, shape, label) =>
    roundToGrids(values, shape, chooseWeightGrids(values, shape, { ...options, label }), rounding);
}
