import {
  type AffineGridSpec,
  makeObserver,
  type Observation,
  type Observer,
  type ObserverSpec,
} from "../compression/mod.ts";
import type { Chunk } from "../data/mod.ts";
import { type Device, readAll, type Tensor } from "../gpu/mod.ts";
import type { ForwardHooks, Model, ParameterTensors } from "../models/mod.ts";

/** How the grids of a network's activations are chosen; frozen data, part of a trial. */
export interface ActivationGridOptions {
  /** Bits, and kind of equal steps. */
  readonly grid: AffineGridSpec;
  /** How the range that a grid spans is found; nearest in the mean of squares if left out. */
  readonly observer?: ObserverSpec;
}

/** Which inputs are observed. */
export interface ObservedInputs {
  /** Of these layers; of all of them if left out. */
  readonly layers?: readonly string[];
  /** What is done to the input of every layer first. */
  readonly layerInput?: ForwardHooks["layerInput"];
}

/**
 * Finds the range of what goes into layers of P networks, by observers that look at all of it on the host.
 *
 * @param device Where the networks run.
 * @param model The model.
 * @param parameters Of all networks.
 * @param chunks Calibration images; the activations of a chunk are read at once.
 * @param options One a network: the grid that the range is for, and the observer.
 * @param inputs Which layers, and what is done to their inputs first; all of them as they are if left out.
 * @returns By layer what was found, one a network: the range, and what is to be said of the images.
 * @throws {RangeError} If an activation is not finite, or there are none, with the layer's name.
 */
export async function observeRanges(
  device: Device,
  model: Model,
  parameters: ParameterTensors,
  chunks: readonly Chunk[],
  options: readonly ActivationGridOptions[],
  { layers = model.layers, layerInput = (_layer, x) => x }: ObservedInputs = {},
): Promise<Record<string, Observation[]>> {
  const observers = new Map<string, readonly Observer[]>(layers.map((label) => [
    label,
    options.map(({ grid, observer = { kind: "meanSquaredError" } }) =>
      makeObserver(observer, { label, grid })
    ),
  ]));
  for (const { source, rows } of chunks) {
    using _scope = device.scope();
    const seen = new Map<string, Tensor>();
    model.forward(parameters, { source, rows }, {
      layerInput(layer, x) {
        const given = layerInput(layer, x);
        if (observers.has(layer)) seen.set(layer, given);
        return given;
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
    own.map((observer) => observer.observed()),
  ]));
}
