import { mapElements, reduceAxis } from "../autograd/mod.ts";
import type { Range } from "../compression/mod.ts";
import { watchChannels } from "../compression/quantize/observers/watch_channels.ts";
import { type Chunk, splitChunk } from "../data/mod.ts";
import { type Device, readAll, reshape, type Tensor } from "../gpu/mod.ts";
import { type Model, type ParameterTensors, rowsAtOnce } from "../models/mod.ts";
import { requireFiniteInput } from "./finite_input.ts";

/** Smallest and largest input of every layer, by the layer's name. */
export type ActivationRanges = Readonly<Record<string, Range>>;

/** Ranges of what goes into layers. */
export interface ObservedRanges {
  /** Of the inputs of every layer, by its name. */
  readonly ranges: ActivationRanges;
  /** Which channels never changed, a sentence a layer that has any. */
  readonly remarks: readonly string[];
}

/** What calibration images say of what goes into layers. */
export interface Calibration extends ObservedRanges {
  /** Mean |x| of the inputs of every layer; infinite where their sum is beyond float32. */
  readonly meanMagnitudes: Readonly<Record<string, number>>;
}

/** What one chunk says of one layer's input. */
interface Observed {
  readonly layer: string;
  /** Of the ends: `[1, ...]`, the axes of one image. */
  readonly shape: readonly number[];
  /** Values in all. */
  readonly size: number;
  /** Smallest and largest of every place in an image, over the images; the sum of all magnitudes. */
  readonly found: readonly Tensor[];
}

function observe(layer: string, input: Tensor): Observed {
  return {
    layer,
    shape: [1, ...input.shape.slice(2)],
    size: input.size,
    found: [
      reduceAxis("minimum", input, 1),
      reduceAxis("maximum", input, 1),
      reduceAxis("sum", reshape(mapElements("absolute", input), [input.size]), 0),
    ],
  };
}

/**
 * Finds the range of every layer's input on calibration images (min-max observer), on the GPU.
 *
 * @param device Where it runs.
 * @param model The model.
 * @param parameters Weights of one network.
 * @param chunks Calibration images, from the training set.
 * @returns What is found of every layer, and what is to be said of the images.
 * @throws {RangeError} If an activation is not finite, with the layer's name.
 */
export async function calibrate(
  device: Device,
  model: Model,
  parameters: ParameterTensors,
  chunks: readonly Chunk[],
): Promise<Calibration> {
  using _scope = device.scope();
  const observed: Observed[] = [];
  let samples = 0;
  const parts = chunks.flatMap((chunk) => splitChunk(chunk, rowsAtOnce(model, 1)));
  for (const { source, rows } of parts) {
    using part = device.scope();
    samples += rows.shape[1];
    model.forward(parameters, { source, rows }, {
      layerInput(layer, input) {
        const seen = observe(layer, input);
        seen.found.forEach((tensor) => part.keep(tensor));
        observed.push(seen);
        return input;
      },
    });
  }
  const values = await readAll(observed.flatMap(({ found }) => found));
  const ranges: Record<string, Range> = {};
  const sums: Record<string, { sum: number; size: number }> = {};
  const watches = new Map(model.layers.map((layer) => [layer, watchChannels(layer)]));
  observed.forEach(({ layer, shape, size }, i) => {
    const [least, greatest, [sum]] = values.slice(3 * i, 3 * i + 3).map((v) =>
      Float32Array.from(v)
    );
    const low = least.reduce((a, b) => Math.min(a, b));
    const high = greatest.reduce((a, b) => Math.max(a, b));
    requireFiniteInput(layer, [low, high]);
    const before = ranges[layer] ?? { low, high };
    ranges[layer] = { low: Math.min(before.low, low), high: Math.max(before.high, high) };
    const total = sums[layer] ?? { sum: 0, size: 0 };
    sums[layer] = { sum: total.sum + sum, size: total.size + size };
    for (const end of [least, greatest]) watches.get(layer)!.take(end, shape);
  });
  const meanMagnitudes = Object.fromEntries(
    Object.entries(sums).map(([layer, { sum, size }]) => [layer, sum / size]),
  );
  const remarks = [...watches.values()].flatMap((watch) => watch.remarks(samples));
  return { ranges, meanMagnitudes, remarks };
}
