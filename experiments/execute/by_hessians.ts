import {
  adaRound,
  chooseWeightGrids,
  gptq,
  obq,
  quantizeBySecondOrder,
} from "../../compression/mod.ts";
import type { Chunk } from "../../data/mod.ts";
import type { Device } from "../../gpu/mod.ts";
import type { ForwardHooks, HostParameters, Model } from "../../models/mod.ts";
import {
  type QuantizedNetwork,
  type QuantizeLayer,
  quantizeLayerByLayer,
} from "../../training/mod.ts";
import type {
  AdaRoundMethod,
  GptqMethod,
  ObqMethod,
  SecondOrderMethod,
} from "../quantization_trial.ts";

/** A method that goes through a network layer by layer, by what calibration images tell of each. */
export type LayerMethod = GptqMethod | ObqMethod | AdaRoundMethod | SecondOrderMethod;

const LAYER_METHODS: Readonly<Record<LayerMethod["method"], true>> = {
  gptq: true,
  obq: true,
  ada_round: true,
  second_order: true,
};

/**
 * Tells whether a method goes through a network layer by layer.
 *
 * @param method Name of any method.
 * @returns True for those of {@link quantizeByHessians}.
 */
export function isLayerMethod(method: string): method is LayerMethod["method"] {
  return Object.hasOwn(LAYER_METHODS, method);
}

/** What the Hessian of a layer decides. */
function layerMethod(device: Device, compression: LayerMethod): QuantizeLayer {
  if (compression.method === "second_order") {
    const { weights: grids, sweeps } = compression;
    return (layer, label) => quantizeBySecondOrder(layer, { grids: { ...grids, label }, sweeps });
  }
  return async ({ weight, shape, moments: { hessian } }, label) => {
    const values = Float32Array.from(weight);
    const grids = chooseWeightGrids(values, shape, { ...compression.weights, label });
    if (compression.method === "gptq") return gptq(values, shape, grids, hessian);
    if (compression.method === "obq") return obq(values, shape, grids, hessian);
    return await adaRound(device, values, shape, grids, hessian, compression.plan);
  };
}

/**
 * Quantizes the weights of a network layer by layer by one of the methods that look at Hessians.
 *
 * @param device Where calibration runs.
 * @param model The model, its batch norms folded.
 * @param host Its trained weights.
 * @param method Which, and what it is told.
 * @param chunks Calibration images, uploaded.
 * @param layerInput What quantizes the inputs of layers; they are float32 if left out.
 * @returns The quantized network, and what calibration found.
 */
export async function quantizeByHessians(
  device: Device,
  model: Model,
  host: HostParameters,
  method: LayerMethod,
  chunks: readonly Chunk[],
  layerInput: ForwardHooks["layerInput"],
): Promise<QuantizedNetwork> {
  return await quantizeLayerByLayer(device, model, host, chunks, layerMethod(device, method), {
    inputs: method.method === "second_order" ? "matched" : "quantized",
    ...layerInput && { layerInput },
  });
}
