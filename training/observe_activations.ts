import { type AffineGrid, affineGrid } from "../compression/mod.ts";
import { chunksOf, type ResidentImages } from "../data/mod.ts";
import type { Device } from "../gpu/mod.ts";
import { type Model, type ParameterTensors, rowsAtOnce } from "../models/mod.ts";
import { type ActivationGridOptions, observeRanges } from "./observe_ranges.ts";

/** Images that are observed; more change a range little, and all activations are read. */
const IMAGES = 256;
/** Images whose activations are read at once. */
const IMAGES_AT_ONCE = 64;

/**
 * Chooses a grid for what goes into every layer of P networks.
 *
 * @param device Where it runs.
 * @param model The model.
 * @param parameters Of all networks.
 * @param options One a network; none observes nothing.
 * @param images Calibration images, of which the first 256 are observed.
 * @returns Grids by layer, one a network.
 * @throws {RangeError} If an activation is not finite.
 */
export async function observeActivations(
  device: Device,
  model: Model,
  parameters: ParameterTensors,
  options: readonly ActivationGridOptions[],
  images: ResidentImages,
): Promise<Record<string, AffineGrid[]>> {
  if (options.length === 0) return {};
  const atOnce = Math.min(IMAGES_AT_ONCE, rowsAtOnce(model, options.length));
  using _scope = device.scope();
  const chunks = chunksOf(device, images, atOnce).slice(0, IMAGES / atOnce);
  const ranges = await observeRanges(device, model, parameters, chunks, options);
  return Object.fromEntries(
    Object.entries(ranges).map(([layer, own]) => [
      layer,
      own.map((range, p) => affineGrid(range, options[p].grid)),
    ]),
  );
}
