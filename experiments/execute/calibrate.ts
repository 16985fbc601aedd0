import { type Range, rangesOf } from "../../compression/mod.ts";
import type { Chunk } from "../../data/mod.ts";
import { type Device, readAll, type Tensor } from "../../gpu/mod.ts";
import type { Model, ParameterTensors } from "../../models/mod.ts";

/** Smallest and largest input of every layer, by the layer's name. */
export type ActivationRanges = Readonly<Record<string, Range>>;

/**
 * Finds the range of every layer's input on calibration images (min-max observer).
 *
 * @param device Where it runs.
 * @param model The model.
 * @param parameters Weights of one network.
 * @param chunks Calibration images, from the training set.
 * @returns A range a layer.
 */
export async function calibrate(
  device: Device,
  model: Model,
  parameters: ParameterTensors,
  chunks: readonly Chunk[],
): Promise<ActivationRanges> {
  using _scope = device.scope();
  const inputs = new Map<string, Tensor[]>(model.layers.map((layer) => [layer, []]));
  for (const { x } of chunks) {
    model.forward(parameters, x, {
      layerInput(layer, input) {
        inputs.get(layer)!.push(input);
        return input;
      },
    });
  }
  const ranges: Record<string, Range> = {};
  for (const [layer, tensors] of inputs) {
    const parts = (await readAll(tensors)).map((values) => rangesOf(values as Float32Array, 1)[0]);
    ranges[layer] = {
      low: Math.min(...parts.map(({ low }) => low)),
      high: Math.max(...parts.map(({ high }) => high)),
    };
  }
  return ranges;
}
