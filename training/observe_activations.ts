import {
  type AffineGrid,
  affineGrid,
  type AffineGridSpec,
  makeObserver,
  type Observer,
  type ObserverSpec,
} from "../compression/mod.ts";
import { chunksOf, type ResidentImages, splitChunk } from "../data/mod.ts";
import { type Device, readAll, type Tensor } from "../gpu/mod.ts";
import { type Model, type ParameterTensors, rowsAtOnce } from "../models/mod.ts";

/** How the grids of a network's activations are chosen; frozen data, part of a trial. */
export interface ActivationGridOptions {
  /** Bits, and kind of equal steps. */
  readonly grid: AffineGridSpec;
  /** How the range that a grid spans is found; nearest in the mean of squares if left out. */
  readonly observer?: ObserverSpec;
}

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
  const observers = new Map<string, readonly Observer[]>(model.layers.map((label) => [
    label,
    options.map(({ grid, observer = { kind: "meanSquaredError" } }) =>
      makeObserver(observer, { label, grid })
    ),
  ]));
  using _scope = device.scope();
  const chunks = chunksOf(device, images, atOnce).slice(0, IMAGES / atOnce);
  for (const { source, rows } of chunks.flatMap((chunk) => splitChunk(chunk, atOnce))) {
    using _chunkScope = device.scope();
    const seen = new Map<string, Tensor>();
    model.forward(parameters, { source, rows }, {
      layerInput(layer, x) {
        seen.set(layer, x);
        return x;
      },
    });
    const values = await readAll([...seen.values()]);
    [...seen].forEach(([layer, x], i) => {
      const size = x.size / x.shape[0];
      observers.get(layer)!.forEach((observer, p) => {
        const start = x.shape[0] === 1 ? 0 : p * size;
        const own = Float32Array.from(values[i].subarray(start, start + size));
        observer.observe(own, x.shape.slice(1));
      });
    });
  }
  return Object.fromEntries([...observers].map(([layer, own]) => [
    layer,
    own.map((observer, p) => affineGrid(observer.observed().range, options[p].grid)),
  ]));
}
