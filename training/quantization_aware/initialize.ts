import type { Chunk } from "../../data/mod.ts";
import type { Device } from "../../gpu/mod.ts";
import {
  type HostParameters,
  type Model,
  parameterShape,
  uploadParameters,
} from "../../models/mod.ts";
import { calibrate } from "../calibrate.ts";
import { requireFiniteInput } from "../finite_input.ts";
import { firstInputSteps } from "./input_estimator.ts";
import { checkQuantizationAware } from "./mistakes.ts";
import { layerQuantization, type QuantizationAwareSpec } from "./spec.ts";
import { firstWeightSteps } from "./weight_estimator.ts";

/** What a training under quantization begins with. */
export interface QuantizationAwareStart {
  /** Parameters of `quantizationAware(model, spec)`, to be given as `initial` of a trainer. */
  readonly parameters: HostParameters;
  /** Which channels of the calibration images never changed, a sentence a layer that has any. */
  readonly remarks: readonly string[];
}

/**
 * Tells whether training under quantization begins with ranges or steps of activations.
 *
 * @param model The float model.
 * @param spec What is quantized.
 * @returns True if the input of any layer is, pixels aside.
 */
export function needsCalibration({ layers }: Model, spec: QuantizationAwareSpec): boolean {
  return layers.some((layer) => layerQuantization(spec, layers, layer).inputs !== undefined);
}

/**
 * Gives a trained float network what it needs to be trained under quantization: the steps, clips and
 * ranges that estimators begin with.
 *
 * Steps of weights are `2 mean|w| / sqrt(qMax)`, or mean |w| of signs; those of inputs likewise, over
 * calibration images; a clip is the end of that grid, a range goes from the smallest to the largest value.
 *
 * @param device Where calibration runs.
 * @param model The float model.
 * @param spec What is quantized, and how.
 * @param trained Weights of one float network.
 * @param calibration Images of the training set; none are needed if no inputs but pixels are quantized.
 * @returns Parameters to begin with, and what is to be said of the images.
 * @throws {UserError} If a number of the specification is out of range.
 * @throws {RangeError} If inputs are quantized and there are no images to see them on, or an activation is
 *   not finite, with the layer's name.
 * @see Esser et al. 2020, arXiv:1902.08153, section 2.1
 */
export async function initialQuantizationAware(
  device: Device,
  model: Model,
  spec: QuantizationAwareSpec,
  trained: HostParameters,
  calibration: readonly Chunk[],
): Promise<QuantizationAwareStart> {
  checkQuantizationAware(spec);
  using _scope = device.scope();
  const { layers } = model;
  const quantization = layers.map((layer) =>
    [layer, layerQuantization(spec, layers, layer)] as const
  );
  const isCalibrated = needsCalibration(model, spec);
  if (isCalibrated && calibration.length === 0) {
    throw new RangeError(
      "Cannot begin training under quantization: quantized inputs need calibration images: there " +
        "are none",
    );
  }
  const { tensors } = uploadParameters(device, model, [trained]);
  const seen = isCalibrated ? await calibrate(device, model, tensors, calibration) : undefined;
  const values: Record<string, Float32Array<ArrayBuffer>> = { ...trained };
  for (const [layer, ofLayer] of quantization) {
    const name = `${layer}.weight`;
    const shape = parameterShape(model, name);
    const meanMagnitude = seen?.meanMagnitudes[layer] ?? 1;
    requireFiniteInput(layer, [meanMagnitude], "the sum of magnitudes of its input");
    const statistics = { ...seen?.ranges[layer] ?? { low: 0, high: 1 }, meanMagnitude };
    Object.assign(
      values,
      ofLayer.weights &&
        firstWeightSteps(layer, shape, trained[name], ofLayer.weights, spec.progressive),
      firstInputSteps(model, layer, ofLayer, spec.progressive, statistics),
    );
  }
  return { parameters: values, remarks: seen?.remarks ?? [] };
}
