import { CALIBRATION_IMAGES_OF_CONVOLUTIONS } from "../experiments/mod.ts";
import { chunksOf, firstImages, type ImageSet, uploadImages } from "../data/mod.ts";
import {
  type CalibratedQuantization,
  quantizeByMethod,
  quantizeHalfQuadratically,
} from "../experiments/inspect/method_variant.ts";
import { observeInputs } from "../experiments/inspect/observe_inputs.ts";
import { trainedVariant } from "../experiments/inspect/trained_variant.ts";
import { plainVariant, quantizeNetwork, type Variant } from "../experiments/inspect/variant.ts";
import { decodeSafetensors, UserError } from "../formats/mod.ts";
import type { Device } from "../gpu/mod.ts";
import {
  foldBatchNorms,
  type HostParameters,
  type Model,
  uploadParameters,
} from "../models/mod.ts";
import {
  type ActivationRanges,
  decodeNetwork,
  fewImagesRemarks,
  quantizationAware,
  type QuantizationAwareSpec,
  RANGE_IMAGES,
} from "../training/mod.ts";
import { trainedQuantization } from "./trained_quantization.ts";
import type { VariantSpec } from "./variant_spec.ts";

/** A network as its file has it. */
export interface InspectedNetwork {
  /** Its weights: batch norms folded, unless it was trained under quantization. */
  readonly parameters: HostParameters;
  /** What was quantized while it was trained, if anything. */
  readonly trained?: QuantizationAwareSpec;
}

/** A variant that is compared, and what a person should know of it. */
export interface InspectedVariant {
  /** What is compared. */
  readonly variant: Variant;
  /** One sentence each. */
  readonly remarks: readonly string[];
}

/**
 * Reads a network that is to be compared; one without the batch norms of its model may stay so.
 *
 * @param model The float model, with its batch norms.
 * @param bytes The file.
 * @param label What to call it in an error, such as its path.
 * @returns Its weights, and what was quantized in training.
 * @throws {UserError} If the file is not of the model.
 */
export function readInspected(model: Model, bytes: Uint8Array, label: string): InspectedNetwork {
  const trained = trainedQuantization(bytes, label);
  if (trained !== undefined) {
    const aware = quantizationAware(model, trained);
    return { parameters: decodeNetwork(aware, bytes, label).parameters, trained };
  }
  const { batchNorms } = model;
  const norm = batchNorms?.places[0].norm;
  const isFolded = batchNorms !== undefined &&
    !decodeSafetensors(bytes, label).tensors.has(`${norm}.weight`);
  if (isFolded) {
    return { parameters: decodeNetwork(batchNorms.folded(), bytes, label).parameters };
  }
  return foldBatchNorms(model, decodeNetwork(model, bytes, label).parameters);
}

/**
 * Refuses to quantize a network that was trained under quantization: its weights are on grids already.
 *
 * @param spec What was typed.
 * @param network What its file holds.
 * @throws {UserError} If there is a quantization beside that of training.
 */
export function checkQuantizable(spec: VariantSpec, { trained }: InspectedNetwork): void {
  if (trained === undefined || spec.quantization === undefined) return;
  throw new UserError(
    `Cannot quantize ${spec.text}: the network must be float32: it was trained under quantization`,
  );
}

/** Images that a method calibrates on. */
function calibrationCount(
  { convolutions }: Model,
  { method, images }: CalibratedQuantization,
  { count }: ImageSet,
): number {
  if (images !== undefined && images > count) {
    throw new UserError(
      `Cannot calibrate ${method}: ${images} images were asked for: the training set has ${count}`,
    );
  }
  const usual = convolutions === undefined ? RANGE_IMAGES : CALIBRATION_IMAGES_OF_CONVOLUTIONS;
  return images ?? Math.min(usual, count);
}

/**
 * Makes what was asked for of a network.
 *
 * @param device Where it runs; what the variant needs belongs to the scope of this call.
 * @param model The float model, with its batch norms.
 * @param network What its file holds.
 * @param spec What was typed.
 * @param train The training set, whose first images calibrate.
 * @returns What is compared, and what is to be said of it.
 */
export async function inspectedVariant(
  device: Device,
  model: Model,
  { parameters, trained }: InspectedNetwork,
  { quantization }: VariantSpec,
  train: ImageSet,
): Promise<InspectedVariant> {
  if (trained !== undefined) {
    return {
      variant: await trainedVariant(device, model, trained, parameters),
      remarks: [`trained under quantization: ${quantizationAware(model, trained).title}`],
    };
  }
  if (quantization === undefined) return { variant: plainVariant(parameters), remarks: [] };
  const folded = model.batchNorms?.folded() ?? model;
  const upload = (count: number) =>
    uploadImages(device, firstImages(train, count), folded.normalization);
  let ranges: ActivationRanges = {};
  const ofRanges: string[] = [];
  const { activationBits, calibration: observer = { kind: "minMax" } } = quantization;
  const learnsRanges = "method" in quantization && quantization.method === "reconstruction";
  if (activationBits !== undefined && !learnsRanges) {
    using _scope = device.scope();
    const { tensors } = uploadParameters(device, folded, [parameters]);
    const chunks = chunksOf(device, upload(RANGE_IMAGES));
    ofRanges.push(...fewImagesRemarks(`all layers of ${folded.title}`, train.count, RANGE_IMAGES));
    const found = await observeInputs(device, folded, tensors, chunks, observer, activationBits);
    ranges = found.ranges;
    ofRanges.push(...found.remarks);
  }
  if (!("method" in quantization)) {
    return {
      variant: quantizeNetwork(folded, parameters, quantization, ranges),
      remarks: ofRanges,
    };
  }
  if (quantization.method === "hqq") {
    const variant = quantizeHalfQuadratically(folded, parameters, quantization, ranges);
    return { variant, remarks: ofRanges };
  }
  using _scope = device.scope();
  const count = calibrationCount(model, quantization, train);
  const { variant, remarks } = await quantizeByMethod(
    device,
    folded,
    parameters,
    quantization,
    upload(count),
    ranges,
  );
  const said = `calibrated on the first ${count} training images`;
  return { variant, remarks: [said, ...remarks, ...ofRanges] };
}
