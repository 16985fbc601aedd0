import {
  type AffineGrid,
  type Bits,
  type Granularity,
  hasPowerOfTwoScale,
  hqq,
  type HqqBits,
  type ObserverSpec,
  type WeightGridOptions,
} from "../../compression/mod.ts";
import { chunksOf, type ResidentImages } from "../../data/mod.ts";
import type { Device } from "../../gpu/mod.ts";
import type { HostParameters, Model } from "../../models/mod.ts";
import {
  type ActivationRanges,
  gridsOfRanges,
  quantizedInputs,
  reconstruct,
} from "../../training/mod.ts";
import { ADA_ROUND_PLAN, RECONSTRUCTION_PLAN, SWEEPS } from "../definitions/ptq_arms.ts";
import { type LayerMethod, quantizeByLayers } from "../execute/by_layers.ts";
import { quantizeWeights } from "../execute/quantize_weights.ts";
import { obqMistakes, rowsOf } from "../weight_rows.ts";
import type { Variant } from "./variant.ts";

/** How inputs are quantized beside the weights. */
export interface InputQuantization {
  /** Bits of the inputs of every layer; they stay float32 if left out. */
  readonly activationBits?: Bits;
  /** How the range of inputs is found; the smallest and largest value if left out. */
  readonly calibration?: ObserverSpec;
}

/** Half-quadratic quantization, which looks at no images; see {@link quantizeHalfQuadratically}. */
export interface HqqQuantization extends InputQuantization {
  /** Tells it from those that look at images. */
  readonly method: "hqq";
  /** Bits of a code. */
  readonly bits: HqqBits;
  /** Weights that share scale and zero point. */
  readonly granularity: Granularity;
}

/** A method that goes through a network layer by layer, by what calibration images tell of each. */
export interface LayerQuantization extends InputQuantization {
  /** What chooses the codes. */
  readonly method: "bias_correction" | "gptq" | "obq" | "ada_round" | "second_order";
  /** Grids of the weights of every layer. */
  readonly weights: WeightGridOptions;
  /** Calibration images, the first ones of the training set; as many as are usual if left out. */
  readonly images?: number;
}

/** Roundings that learn together. */
export interface ReconstructionQuantization extends Omit<LayerQuantization, "method"> {
  /** Tells it from the others. */
  readonly method: "reconstruction";
  /** Steps of each block; as many as in sweeps if left out. */
  readonly steps?: number;
  /** What learns together: the network if left out, or one after the other of what is said. */
  readonly blocks?: "network" | "layer" | "residual";
  /** By the Fisher information, as BRECQ weighs errors; all alike if left out. */
  readonly weighting?: "fisher";
}

/** A method that looks at images; see {@link quantizeByMethod}. */
export type CalibratedQuantization = LayerQuantization | ReconstructionQuantization;

/** How a network is quantized by a post-training method. */
export type MethodQuantization = HqqQuantization | CalibratedQuantization;

/** What a method made of a network. */
export interface MethodVariant {
  /** The network with its codes and grids. */
  readonly variant: Variant;
  /** What calibration found that should make one careful, a sentence each. */
  readonly remarks: readonly string[];
}

function layerMethodOf({ method, weights }: LayerQuantization, images: number): LayerMethod {
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
  quantization: ReconstructionQuantization,
  images: ResidentImages,
): Promise<MethodVariant> {
  const { weights, steps, blocks, weighting, activationBits: bits, calibration } = quantization;
  const plan = {
    ...RECONSTRUCTION_PLAN,
    batchSize: Math.min(RECONSTRUCTION_PLAN.batchSize, images.count),
    ...steps !== undefined && { steps },
    // a power of two stays one
    ...hasPowerOfTwoScale(weights.grid) && { scaleRate: 0 },
    ...blocks === "layer" && { blocks: "layers" as const },
    ...blocks === "residual" && { blocks },
    ...weighting && { weighting },
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

/** Grids of the inputs of all layers; none where they stay float32. */
function inputGrids(
  model: Model,
  { activationBits }: InputQuantization,
  ranges: ActivationRanges,
): Record<string, AffineGrid> {
  return activationBits === undefined ? {} : gridsOfRanges(model, ranges, activationBits);
}

/**
 * Quantizes a network without looking at images, as sweeps do.
 *
 * @param model The model, its batch norms folded.
 * @param parameters Of the float32 network.
 * @param quantization Bits, granularity and activations.
 * @param ranges Of the inputs of every layer; not looked at where these stay float32.
 * @returns The network with its codes and grids.
 * @throws {RangeError} If a weight cannot be quantized so, with its name.
 */
export function quantizeHalfQuadratically(
  model: Model,
  parameters: HostParameters,
  quantization: HqqQuantization,
  ranges: ActivationRanges,
): Variant {
  const { bits, granularity } = quantization;
  const made = quantizeWeights(
    model,
    parameters,
    (values, shape, label) => hqq(values, shape, { bits, granularity, label }),
  );
  return { ...made, inputs: inputGrids(model, quantization, ranges) };
}

/**
 * Quantizes a network by a post-training method that looks at images, as sweeps do.
 *
 * @param device Where calibration runs.
 * @param model The model, its batch norms folded.
 * @param parameters Of the float32 network.
 * @param quantization Which method, and what it is told.
 * @param images Calibration images.
 * @param ranges Of the inputs of every layer; not looked at where these stay float32, nor by
 *   `reconstruction`, which finds them on its own images.
 * @returns The quantized network, and remarks of its calibration.
 * @throws {RangeError} If a weight cannot be quantized so, or an activation is not finite.
 */
export async function quantizeByMethod(
  device: Device,
  model: Model,
  parameters: HostParameters,
  quantization: CalibratedQuantization,
  images: ResidentImages,
  ranges: ActivationRanges,
): Promise<MethodVariant> {
  using _scope = device.scope();
  if (quantization.method === "reconstruction") {
    return await byReconstruction(device, model, parameters, quantization, images);
  }
  if (quantization.method === "obq") refuseLongRows(model);
  const inputs = inputGrids(model, quantization, ranges);
  const made = await quantizeByLayers(
    device,
    model,
    parameters,
    layerMethodOf(quantization, images.count),
    chunksOf(device, images),
    quantization.activationBits === undefined ? undefined : quantizedInputs(device, [inputs]),
  );
  const weights = Object.fromEntries(
    model.layers.map((layer) => [layer, made.weights[`${layer}.weight`]]),
  );
  return {
    variant: { parameters: made.parameters, weights, inputs },
    remarks: made.remarks,
  };
}
