import { type AffineGrid, affineGrid } from "../compression/mod.ts";
import { chunksOf, type ResidentImages } from "../data/mod.ts";
import type { Device } from "../gpu/mod.ts";
import { type Model, type ParameterTensors, rowsAtOnce } from "../models/mod.ts";
import { fewImagesRemarks, OBSERVED_AT_ONCE, OBSERVED_IMAGES } from "./calibration_images.ts";
import { type ActivationGridOptions, observeRanges } from "./observe_ranges.ts";

/** Grids for what goes into the layers of P networks. */
export interface ObservedActivations {
  /** Grids by layer, one a network. */
  readonly grids: Readonly<Record<string, readonly AffineGrid[]>>;
  /** Channels that never changed, one list a network. */
  readonly remarks: readonly (readonly string[])[];
  /** What is to be said of ranges that were found on fewer images than is usual. */
  readonly few: readonly string[];
}

/**
 * Chooses a grid for what goes into every layer of P networks.
 *
 * @param device Where it runs.
 * @param model The model.
 * @param parameters Of all networks.
 * @param options One a network.
 * @param images Calibration images, of which the first {@link OBSERVED_IMAGES} are observed, or all if
 *   there are fewer.
 * @returns Grids, and what calibration found.
 * @throws {RangeError} If an activation is not finite, or too far from another, with the layer's name.
 */
export async function observeActivations(
  device: Device,
  model: Model,
  parameters: ParameterTensors,
  options: readonly ActivationGridOptions[],
  images: ResidentImages,
): Promise<ObservedActivations> {
  const atOnce = Math.min(OBSERVED_AT_ONCE, rowsAtOnce(model, options.length));
  using _scope = device.scope();
  const chunks = chunksOf(device, images, atOnce).slice(0, OBSERVED_IMAGES / atOnce);
  const found = await observeRanges(device, model, parameters, chunks, options);
  return {
    grids: Object.fromEntries(
      Object.entries(found).map(([layer, own]) => [
        layer,
        own.map(({ range }, p) => affineGrid(range, options[p].grid, layer)),
      ]),
    ),
    remarks: options.map((_, p) => Object.values(found).flatMap((own) => own[p].remarks)),
    few: fewImagesRemarks(`all layers of ${model.title}`, images.count, OBSERVED_IMAGES),
  };
}
