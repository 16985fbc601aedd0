import { LEAST_STEP } from "../../autograd/mod.ts";
import { chooseQuantParams, type WeightGrid } from "../../compression/mod.ts";
import type { Device, Tensor } from "../../gpu/mod.ts";
import { type HostParameters, type Model, uploadParameters } from "../../models/mod.ts";
import { quantizedInput } from "./input_estimator.ts";
import { quantizationAware } from "./model.ts";
import { type LayerQuantization, layerQuantization, type QuantizationAwareSpec } from "./spec.ts";

/** Steps times levels, a learned offset added; whole levels if there is none. */
function gridOf(
  layer: string,
  { inputs, image }: LayerQuantization,
  of: (what: string) => Float32Array,
): WeightGrid | undefined {
  if (inputs?.kind === "straightThrough") {
    const [low, high] = of("range");
    return chooseQuantParams({ low, high }, inputs.bits, layer);
  }
  if (inputs === undefined && image === undefined) return undefined;
  const [qMin, qMax] = of("limits");
  const [asked] = inputs?.kind === "learnedClip"
    ? of("clip").map((clip) => clip / qMax)
    : of("step");
  const scale = Math.max(asked, LEAST_STEP);
  const isStep = inputs?.kind === "learnedStep";
  const offset = isStep && inputs.offset ? of("offset")[0] : 0;
  const isSigns = isStep && inputs.signs === true;
  if (offset === 0 && !isSigns) {
    const inverseScale = Math.fround(1 / scale);
    return { kind: "affine", scale, inverseScale, zeroPoint: 0, qMin, qMax };
  }
  const levels = isSigns
    ? [-1, 1]
    : Array.from({ length: qMax - qMin + 1 }, (_, level) => qMin + level);
  return { kind: "codebook", levels: Float32Array.from(levels, (one) => one * scale + offset) };
}

/**
 * Lists the grids that the inputs of layers are on in a network that was trained under quantization.
 *
 * @param model The float model.
 * @param spec What was quantized, and how.
 * @param trained Parameters of `quantizationAware(model, spec)`, of one network.
 * @returns Grids by layer; none of a layer whose inputs stay float32.
 */
export function trainedInputGrids(
  { layers }: Model,
  spec: QuantizationAwareSpec,
  trained: HostParameters,
): Record<string, WeightGrid> {
  const grids: Record<string, WeightGrid> = {};
  for (const layer of layers) {
    const grid = gridOf(
      layer,
      layerQuantization(spec, layers, layer),
      (what) => trained[`${layer}.input.${what}`],
    );
    if (grid !== undefined) grids[layer] = grid;
  }
  return grids;
}

/**
 * Makes the hook that quantizes what goes into layers as a network learned to: the float model with the
 * weights of `exportQuantizationAware` and this hook computes what the trained network does, bit for bit.
 *
 * @param device Where; what the hook needs belongs to the scope of this call.
 * @param model The float model.
 * @param spec What was quantized, and how.
 * @param trained Parameters of `quantizationAware(model, spec)`, of one network.
 * @returns What `ForwardHooks.layerInput` takes.
 */
export function trainedInputs(
  device: Device,
  model: Model,
  spec: QuantizationAwareSpec,
  trained: HostParameters,
): (layer: string, x: Tensor) => Tensor {
  const { tensors } = uploadParameters(device, quantizationAware(model, spec), [trained]);
  return (layer, x) => {
    const ofLayer = layerQuantization(spec, model.layers, layer);
    return quantizedInput(layer, x, tensors, ofLayer, spec.progressive, undefined);
  };
}
