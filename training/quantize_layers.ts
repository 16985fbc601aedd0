import {
  accumulateMoments,
  type AffineGrid,
  affineGrid,
  type CalibratedLayer,
  constantInputs,
  type Damping,
  dequantizeWeight,
  type MomentAccumulator,
  type QuantizedLayer,
  type QuantizedWeight,
} from "../compression/mod.ts";
import { type Chunk, splitChunk } from "../data/mod.ts";
import { UserError } from "../formats/mod.ts";
import { type Device, slice, type Tensor } from "../gpu/mod.ts";
import {
  foldBatchNorms,
  type HostParameters,
  type Model,
  parameterShape,
  type ParameterTensors,
  rowsAtOnce,
  uploadParameters,
} from "../models/mod.ts";
import { OBSERVED_IMAGES } from "./calibration_images.ts";
import { quantizedInputs } from "./input_grids.ts";
import { type ActivationGridOptions, observeRanges } from "./observe_ranges.ts";

/** Quantizes one layer from its calibration, such as by `quantizeBySecondOrder` or `adaRound`. */
export type QuantizeLayer = (
  layer: CalibratedLayer,
  name: string,
) => QuantizedLayer | Promise<QuantizedLayer>;

/** How the layers of a network are calibrated. */
export interface CalibrationOptions {
  /** Images to calibrate on, the first of the chunks; all of them if left out. */
  readonly samples?: number;
  /**
   * What a layer gets to see: `matched` the inputs that the layers before it give once they are
   * quantized, and their moments against the original ones; `quantized` the same without those;
   * `original` the inputs of the network as it was. `matched` if left out.
   */
  readonly inputs?: "matched" | "quantized" | "original";
  /**
   * How the inputs of layers are quantized, images included; float32 if left out. Their grids are chosen
   * layer by layer too, on the first 256 images, and every layer is calibrated on quantized inputs.
   */
  readonly activations?: ActivationGridOptions;
  /** What is done to the input of every layer of the quantized network, before it is quantized. */
  readonly layerInput?: (layer: string, x: Tensor) => Tensor;
}

/** What calibration and quantization found of a layer. */
export interface LayerReport {
  /** Name of the layer. */
  readonly layer: string;
  /** Groups of a convolution that each see their own inputs; 1 for other layers. */
  readonly groups: number;
  /** Inputs that it has, those of all groups. */
  readonly inputs: number;
  /** How often they were seen: rows, or positions of a convolution. */
  readonly samples: number;
  /** Inputs that were the same in every sample, of whose weights calibration says little. */
  readonly constantInputs: readonly number[];
  /** What each group's Hessian was damped by, where one was. */
  readonly damping?: readonly Damping[];
  /** Images that the grid of its inputs was chosen on, where they are quantized. */
  readonly imagesObserved?: number;
}

/** A network whose weights are quantized. */
export interface QuantizedNetwork {
  /** The model, its batch norms folded. */
  readonly model: Model;
  /** What it computes with: dequantized weights, and biases. */
  readonly parameters: HostParameters;
  /** Codes and grids by the weight's name, such as `fc1.weight`. */
  readonly weights: Readonly<Record<string, QuantizedWeight>>;
  /** Grids of inputs by layer, where inputs are quantized; `quantizedInputs` makes a hook of them. */
  readonly inputGrids: Readonly<Record<string, AffineGrid>>;
  /** One a layer, in order. */
  readonly layers: readonly LayerReport[];
}

/** The first images of chunks; a layer's name for the error that says there are too few. */
function firstImages(chunks: readonly Chunk[], samples: number, layer: string): Chunk[] {
  const count = chunks.reduce((sum, chunk) => sum + chunk.count, 0);
  if (!Number.isInteger(samples) || samples < 1 || samples > count) {
    throw new UserError(
      `Cannot calibrate layer "${layer}": ${samples} images were asked for: there are ${count}`,
    );
  }
  let left = samples;
  return chunks.flatMap((chunk) => {
    const taken = Math.min(left, chunk.count);
    left -= taken;
    if (taken === chunk.count) return [chunk];
    if (taken === 0) return [];
    const rows = slice(chunk.rows, 0, [1, taken]);
    return [{ ...chunk, rows, labels: slice(chunk.labels, 0, [taken]), count: taken }];
  });
}

/** Leaves a forward pass once its input of interest has been seen: layers behind it cost as much as before. */
class Seen extends Error {
  constructor(readonly x: Tensor) {
    super();
  }
}

/** The input of a layer of a network, for one batch. */
function inputOf(
  wanted: string,
  model: Model,
  parameters: ParameterTensors,
  { source, rows }: Chunk,
  layerInput: NonNullable<CalibrationOptions["layerInput"]> = (_layer, x) => x,
): Tensor {
  try {
    model.forward(parameters, { source, rows }, {
      layerInput(layer, x) {
        const given = layerInput(layer, x);
        if (layer === wanted) throw new Seen(given);
        return given;
      },
    });
  } catch (error) {
    if (error instanceof Seen) return error.x;
    throw error;
  }
  throw new TypeError(`Cannot calibrate: ${model.title} never computes layer "${wanted}"`);
}

/**
 * Quantizes the weights of a network layer by layer, each calibrated on images: by default on what the
 * layers before it, already quantized, make of them.
 *
 * Batch norms are folded first. Activations stay on the GPU; of a layer only the moments of its inputs
 * are read. The network runs up to every layer in turn, twice where inputs are `matched`.
 *
 * @param device Where it runs.
 * @param model The model.
 * @param parameters Trained weights of one network.
 * @param chunks Calibration images, from the training set.
 * @param quantizeLayer What is done to a layer.
 * @param options How many images, and which inputs.
 * @returns The quantized network, and what was found on the way.
 * @throws {UserError} If there are fewer images than asked for.
 * @throws {RangeError} If the inputs of a layer are not finite.
 */
export async function quantizeLayerByLayer(
  device: Device,
  model: Model,
  parameters: HostParameters,
  chunks: readonly Chunk[],
  quantizeLayer: QuantizeLayer,
  options: CalibrationOptions = {},
): Promise<QuantizedNetwork> {
  using _scope = device.scope();
  const folded = foldBatchNorms(model, parameters);
  const { inputs = "matched", samples = chunks.reduce((sum, { count }) => sum + count, 0) } =
    options;
  const { layers } = folded.model;
  const images = firstImages(chunks, samples, layers[0])
    .flatMap((chunk) => splitChunk(chunk, rowsAtOnce(folded.model, 1)));
  const original = uploadParameters(device, folded.model, [folded.parameters]).tensors;
  const values: Record<string, Float32Array<ArrayBuffer>> = { ...folded.parameters };
  const weights: Record<string, QuantizedWeight> = {};
  const inputGrids: Record<string, AffineGrid> = {};
  const reports: LayerReport[] = [];
  const observed = firstImages(images, Math.min(samples, OBSERVED_IMAGES), layers[0]);
  for (const [i, layer] of layers.entries()) {
    using _layerScope = device.scope();
    const { layerInput = (_layer: string, x: Tensor) => x, activations } = options;
    const isOriginal = i === 0 && options.layerInput === undefined && activations === undefined;
    const isMatched = inputs === "matched" && !isOriginal;
    const sums = accumulatorOf(device, folded.model, layer, isMatched);
    const quantized = inputs === "original"
      ? original
      : uploadParameters(device, folded.model, [values]).tensors;
    const hook = () => {
      const snap = quantizedInputs(device, [inputGrids]);
      return (name: string, x: Tensor) => snap(name, layerInput(name, x));
    };
    if (activations !== undefined) {
      const { [layer]: [{ range }] } = await observeRanges(
        device,
        folded.model,
        quantized,
        observed,
        [activations],
        { layers: [layer], layerInput: hook() },
      );
      inputGrids[layer] = affineGrid(range, activations.grid, layer);
    }
    const seen = hook();
    for (const image of images) {
      using _imageScope = device.scope();
      const own = inputOf(layer, folded.model, quantized, image, seen);
      sums.add(own, isMatched ? inputOf(layer, folded.model, original, image) : undefined);
    }
    const moments = await sums.read();
    const name = `${layer}.weight`;
    const made = await quantizeLayer({
      weight: folded.parameters[name],
      shape: parameterShape(folded.model, name),
      bias: folded.parameters[`${layer}.bias`],
      moments,
    }, layer);
    weights[name] = made.quantized;
    values[name] = dequantizeWeight(made.quantized);
    if (made.bias !== undefined) values[`${layer}.bias`] = made.bias;
    reports.push({
      layer,
      groups: moments.hessian.groups,
      inputs: moments.hessian.mean.length,
      samples: moments.hessian.samples,
      constantInputs: constantInputs(moments.hessian),
      ...activations && { imagesObserved: Math.min(samples, OBSERVED_IMAGES) },
      ...made.damping && { damping: made.damping },
    });
  }
  return { model: folded.model, parameters: values, weights, inputGrids, layers: reports };
}

function accumulatorOf(
  device: Device,
  model: Model,
  layer: string,
  cross: boolean,
): MomentAccumulator {
  const geometry = {
    weightShape: parameterShape(model, `${layer}.weight`),
    ...model.convolutions?.[layer],
  };
  return accumulateMoments(device, layer, geometry, { cross });
}
