import { reduceAxis } from "../../autograd/mod.ts";
import type { Range } from "../../compression/mod.ts";
import { watchChannels } from "../../compression/quantize/observers/watch_channels.ts";
import { type Chunk, splitChunk } from "../../data/mod.ts";
import { type Device, readAll, type Tensor } from "../../gpu/mod.ts";
import { type Model, type ParameterTensors, rowsAtOnce } from "../../models/mod.ts";
import { requireFiniteInput } from "../../training/finite_input.ts";

/** Smallest and largest input of every layer, by the layer's name. */
export type ActivationRanges = Readonly<Record<string, Range>>;

/** What calibration images say of what goes into layers. */
export interface Calibration {
  /** Of the inputs of every layer, by its name. */
  readonly ranges: ActivationRanges;
  /** Which channels never changed, a sentence a layer that has any. */
  readonly remarks: readonly string[];
}

/**
 * Finds the range of every layer's input on calibration images (min-max observer).
 *
 * @param device Where it runs.
 * @param model The model.
 * @param parameters Weights of one network.
 * @param chunks Calibration images, from the training set.
 * @returns A range a layer, and what is to be said of the images.
 * @throws {RangeError} If an activation is not finite, with the layer's name.
 */
export async function calibrate(
  device: Device,
  model: Model,
  parameters: ParameterTensors,
  chunks: readonly Chunk[],
): Promise<Calibration> {
  using _scope = device.scope();
  const observed: { layer: string; shape: readonly number[]; ends: readonly Tensor[] }[] = [];
  let samples = 0;
  const parts = chunks.flatMap((chunk) => splitChunk(chunk, rowsAtOnce(model, 1)));
  for (const { source, rows } of parts) {
    using part = device.scope();
    samples += rows.shape[1];
    model.forward(parameters, { source, rows }, {
      layerInput(layer, input) {
        // of every place in an image, over the images
        const ends = [reduceAxis("minimum", input, 1), reduceAxis("maximum", input, 1)];
        const shape = [1, ...input.shape.slice(2)];
        observed.push({ layer, shape, ends: ends.map((end) => part.keep(end)) });
        return input;
      },
    });
  }
  const values = await readAll(observed.flatMap(({ ends }) => ends));
  const ranges: Record<string, Range> = {};
  const watches = new Map(model.layers.map((layer) => [layer, watchChannels(layer)]));
  observed.forEach(({ layer, shape }, i) => {
    const ends = values.slice(2 * i, 2 * i + 2).map((end) => Float32Array.from(end));
    const low = ends[0].reduce((a, b) => Math.min(a, b));
    const high = ends[1].reduce((a, b) => Math.max(a, b));
    requireFiniteInput(layer, [low, high]);
    const before = ranges[layer] ?? { low, high };
    ranges[layer] = { low: Math.min(before.low, low), high: Math.max(before.high, high) };
    for (const end of ends) watches.get(layer)!.take(end, shape);
  });
  const remarks = [...watches.values()].flatMap((watch) => watch.remarks(samples));
  return { ranges, remarks };
}
