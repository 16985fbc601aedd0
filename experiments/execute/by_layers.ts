import {
  adaRound,
  chooseWeightGrids,
  gptq,
  obq,
  quantizeBySecondOrder,
  roundAndCorrectBias,
} from "../../compression/mod.ts";
import type { Chunk } from "../../data/mod.ts";
import type { Device } from "../../gpu/mod.ts";
import type { ForwardHooks, HostParameters, Model } from "../../models/mod.ts";
import {
  layerRemarks,
  type QuantizedNetwork,
  type QuantizeLayer,
  quantizeLayerByLayer,
} from "../../training/mod.ts";
import type {
  AdaRoundMethod,
  BiasCorrectionMethod,
  GptqMethod,
  ObqMethod,
  SecondOrderMethod,
} from "../quantization_trial.ts";

/** A network that went through one of the methods. */
export interface CalibratedNetwork extends QuantizedNetwork {
  /** What calibration found that should make one careful, a sentence each. */
  readonly remarks: readonly string[];
}

/** A method that goes through a network layer by layer, by what calibration images tell of each. */
export type LayerMethod =
  | BiasCorrectionMethod
  | GptqMethod
  | ObqMethod
  | AdaRoundMethod
  | SecondOrderMethod;

const LAYER_METHODS: Readonly<Record<LayerMethod["method"], true>> = {
  bias_correction: true,
  gptq: true,
  obq: true,
  ada_round: true,
  second_order: true,
};
/** Those that are told what a layer's inputs were before the layers in front of it were quantized. */
const MATCHED: readonly LayerMethod["method"][] = ["bias_correction", "second_order"];

/**
 * Tells whether a method goes through a network layer by layer.
 *
 * @param method Name of any method.
 * @returns True for those of {@link quantizeByLayers}.
 */
export function isLayerMethod(method: string): method is LayerMethod["method"] {
  return Object.hasOwn(LAYER_METHODS, method);
}

/** What calibration decides of a layer. */
function layerMethod(device: Device, compression: LayerMethod): QuantizeLayer {
  const { method } = compression;
  if (method === "second_order") {
    const { weights: grids, sweeps } = compression;
    return (layer, label) => quantizeBySecondOrder(layer, { grids: { ...grids, label }, sweeps });
  }
  if (method === "bias_correction") {
    return (layer, label) => roundAndCorrectBias(layer, { ...compression.weights, label });
  }
  return async ({ weight, shape, moments: { hessian } }, label) => {
    const values = Float32Array.from(weight);
    const grids = chooseWeightGrids(values, shape, { ...compression.weights, label });
    if (method === "gptq") return gptq(values, shape, grids, hessian);
    if (method === "obq") return obq(values, shape, grids, hessian);
    return await adaRound(device, values, shape, grids, hessian, compression.plan);
  };
}

/**
 * Quantizes the weights of a network layer by layer, by one of the methods that look at its inputs.
 *
 * @param device Where calibration runs.
 * @param model The model, its batch norms folded.
 * @param host Its trained weights.
 * @param method Which, and what it is told.
 * @param chunks Calibration images, uploaded.
 * @param layerInput What quantizes the inputs of layers; they are float32 if left out.
 * @returns The quantized network, and what calibration found.
 */
export async function quantizeByLayers(
  device: Device,
  model: Model,
  host: HostParameters,
  method: LayerMethod,
  chunks: readonly Chunk[],
  layerInput: ForwardHooks["layerInput"],
): Promise<CalibratedNetwork> {
  const made = await quantizeLayerByLayer(
    device,
    model,
    host,
    chunks,
    layerMethod(device, method),
    {
      inputs: MATCHED.includes(method.method) ? "matched" : "quantized",
      ...layerInput && { layerInput },
    },
  );
  // remarks are of Hessians, and correcting a bias takes means alone
  const remarks = method.method === "bias_correction" ? [] : made.layers.flatMap(layerRemarks);
  return { ...made, remarks };
}
