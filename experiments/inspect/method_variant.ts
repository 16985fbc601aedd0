import {
  type Bits,
  chooseQuantParams,
  codeBits,
  hasPowerOfTwoScale,
  hqq,
  type HqqBits,
  type ObserverSpec,
  type WeightGridOptions,
} from "../../compression/mod.ts";
import { chunksOf, type ResidentImages } from "../../data/mod.ts";
import type { Device } from "../../gpu/mod.ts";
import type { HostParameters, Model } from "../../models/mod.ts";
import { type ActivationRanges, quantizedInputs, reconstruct } from "../../training/mod.ts";
import { ADA_ROUND_PLAN, RECONSTRUCTION_PLAN, SWEEPS } from "../definitions/ptq_arms.ts";
import { type LayerMethod, quantizeByLayers } from "../execute/by_layers.ts";
import { quantizeWeights } from "../execute/quantize_weights.ts";
import { obqMistakes, rowsOf } from "../weight_rows.ts";
import type { Variant } from "./variant.ts";

/** How a network is quantized by a post-training method; see {@link quantizeByMethod}. */
export interface MethodQuantization {
  /** What chooses the codes; all but `hqq` look at images. */
  readonly method:
    | "bias_correction"
    | "gptq"
    | "obq"
    | "ada_round"
    | "second_order"
    | "reconstruction"
    | "hqq";
  /** Grids of the weights of every layer; `hqq` takes bits and granularity from them. */
  readonly weights: WeightGridOptions;
  /** Calibration images, the first ones of the training set; as many as are usual if left out. */
  readonly images?: number;
  /** Steps of `reconstruction`; as many as in sweeps if left out. */
  readonly steps?: number;
  /** What `reconstruction` learns together: the network if left out, or one after the other of what is said. */
  readonly blocks?: "network" | "layer" | "residual";
  /** Bits of the inputs of every layer; they stay float32 if left out. */
  readonly activationBits?: Bits;
  /** How the range of inputs is found; the smallest and largest value if left out. */
  readonly calibration?: ObserverSpec;
}

/** What a method made of a network. */
export interface MethodVariant {
  /** The network with its codes and grids. */
  readonly variant: Variant;
  /** What calibration found that should make one careful, a sentence each. */
  readonly remarks: readonly string[];
}

function layerMethodOf(
  { method, weights }: MethodQuantization & { readonly method: LayerMethod["method"] },
  images: number,
): LayerMethod {
  switch (method) {
    case "bias_correction":
    case "gptq":
    case "obq":
      return { method, weights, images };
    case "ada_round":
      return { method, weights, images, plan: ADA_ROUND_PLAN };
    case "second_order":
      return { method, weights, images, sweeps: SWEEPS };
  }
}

/** What learns its roundings together learns the steps of its inputs too. */
async function byReconstruction(
  device: Device,
  model: Model,
  parameters: HostParameters,
  quantization: MethodQuantization,
  images: ResidentImages,
): Promise<MethodVariant> {
  const { weights, steps, blocks, activationBits: bits, calibration } = quantization;
  const plan = {
    ...RECONSTRUCTION_PLAN,
    batchSize: Math.min(RECONSTRUCTION_PLAN.batchSize, images.count),
    ...steps !== undefined && { steps },
    // a power of two stays one
    ...hasPowerOfTwoScale(weights.grid) && { scaleRate: 0 },
    ...blocks === "layer" && { blocks: "layers" as const },
    ...blocks === "residual" && { blocks },
  };
  const activations = bits === undefined
    ? undefined
    : { grid: { kind: "affine", bits }, observer: calibration ?? { kind: "minMax" } } as const;
  const variant = { parameters, weights, ...activations && { activations }, seed: 0 };
  const [made] = await reconstruct(device, model, [variant], images, plan);
  const rounded = quantizeWeights(model, parameters, (_v, _shape, name) => made.weights[name]);
  return { variant: { ...rounded, inputs: made.activations }, remarks: made.remarks };
}

/** OBQ would refuse them too, but only after all layers before. */
function refuseLongRows(model: Model): void {
  const mistakes = obqMistakes(rowsOf(model));
  if (mistakes.length === 0) return;
  throw new RangeError(`Cannot quantize ${model.title}: ${mistakes.join("; ")}`);
}

/**
 * Quantizes a network by a post-training method, as sweeps do.
 *
 * @param device Where calibration runs.
 * @param model The model, its batch norms folded.
 * @param parameters Of the float32 network.
 * @param quantization Which method, and what it is told.
 * @param images Calibration images; `hqq` looks at none.
 * @param ranges Of the inputs of every layer; not looked at where these stay float32, nor by
 *   `reconstruction`, which finds them on its own images.
 * @returns The quantized network, and remarks of its calibration.
 * @throws {RangeError} If a weight cannot be quantized so, or an activation is not finite.
 * @throws {TypeError} If a method that looks at images is given none.
 */
export async function quantizeByMethod(
  device: Device,
  model: Model,
  parameters: HostParameters,
  quantization: MethodQuantization,
  images: ResidentImages | undefined,
  ranges: ActivationRanges,
): Promise<MethodVariant> {
  using _scope = device.scope();
  const { method, weights: options, activationBits } = quantization;
  if (method === "reconstruction" && images !== undefined) {
    return await byReconstruction(device, model, parameters, quantization, images);
  }
  const inputs = activationBits === undefined ? {} : Object.fromEntries(
    model.layers.map((layer) => [layer, chooseQuantParams(ranges[layer], activationBits, layer)]),
  );
  if (method === "hqq") {
    // other bits are refused by the method itself
    const plan = { bits: codeBits(options.grid) as HqqBits, granularity: options.granularity };
    const made = quantizeWeights(
      model,
      parameters,
      (values, shape, label) => hqq(values, shape, { ...plan, label }),
    );
    return { variant: { ...made, inputs }, remarks: [] };
  }
  if (method === "obq") refuseLongRows(model);
  if (images === undefined || method === "reconstruction") {
    throw new TypeError(`Cannot calibrate ${method}: images must be given: there are none`);
  }
  const made = await quantizeByLayers(
    device,
    model,
    parameters,
    layerMethodOf({ ...quantization, method }, images.count),
    chunksOf(device, images),
    activationBits === undefined ? undefined : quantizedInputs(device, [inputs]),
  );
  const weights = Object.fromEntries(
    model.layers.map((layer) => [layer, made.weights[`${layer}.weight`]]),
  );
  return {
    variant: { parameters: made.parameters, weights, inputs },
    remarks: made.remarks,
  };
}
