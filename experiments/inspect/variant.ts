import type {
  AffineGrid,
  Bits,
  ObserverSpec,
  QuantizedWeight,
  WeightGrid,
  WeightGridOptions,
  WeightRounding,
} from "../../compression/mod.ts";
import type { Tensor } from "../../gpu/mod.ts";
import type { HostParameters, Model } from "../../models/mod.ts";
import { type ActivationRanges, gridsOfRanges } from "../../training/mod.ts";
import { quantizeWeights, roundOnGrids } from "../execute/quantize_weights.ts";

/** How a network is quantized after training; biases stay as they are. */
export interface NetworkQuantization {
  /** Grids of the weights of every layer. */
  readonly weights: WeightGridOptions;
  /** How weights become levels. */
  readonly rounding: WeightRounding;
  /**
   * Bits of the inputs of every layer, on asymmetric grids per tensor over their calibrated range; they
   * stay float32 if left out.
   */
  readonly activationBits?: Bits;
  /** How that range is found; the smallest and largest value if left out. */
  readonly calibration?: ObserverSpec;
}

/** Inputs of layers that are quantized as a network learned to. */
export interface TrainedInputs {
  /** What `ForwardHooks.layerInput` takes. */
  readonly quantize: (layer: string, x: Tensor) => Tensor;
  /** The levels that it knows, by layer. */
  readonly grids: Readonly<Record<string, WeightGrid>>;
}

/** One of two networks that are compared. */
export interface Variant {
  /** What it computes with. */
  readonly parameters: HostParameters;
  /** Codes and grids by layer, where its weights were quantized here. */
  readonly weights: Readonly<Record<string, QuantizedWeight>>;
  /** Grids of the layers' inputs by layer, where these are quantized. */
  readonly inputs: Readonly<Record<string, AffineGrid>>;
  /** How inputs are quantized instead, where training decided it. */
  readonly trainedInputs?: TrainedInputs;
}

/**
 * Takes a network as it is.
 *
 * @param parameters Its weights and biases.
 * @returns A variant of which no grid is known.
 */
export function plainVariant(parameters: HostParameters): Variant {
  return { parameters, weights: {}, inputs: {} };
}

/**
 * Quantizes a network after training.
 *
 * @param model The model, its batch norms folded.
 * @param parameters Of the float32 network.
 * @param quantization How.
 * @param ranges Of the inputs of every layer, on calibration images; not looked at where these stay.
 * @returns The quantized network with its grids.
 * @throws {RangeError} If a weight cannot be quantized so, such as in groups that do not divide a row.
 */
export function quantizeNetwork(
  model: Model,
  parameters: HostParameters,
  { weights: options, rounding, activationBits }: NetworkQuantization,
  ranges: ActivationRanges,
): Variant {
  const quantized = quantizeWeights(model, parameters, roundOnGrids(options, rounding));
  const inputs = activationBits === undefined ? {} : gridsOfRanges(model, ranges, activationBits);
  return { ...quantized, inputs };
}
