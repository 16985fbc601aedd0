import { reduceAxis } from "../../autograd/mod.ts";
import type { Range } from "../../compression/mod.ts";
import { type Chunk, splitChunk } from "../../data/mod.ts";
import { type Device, readAll, reshape, type Tensor } from "../../gpu/mod.ts";
import { type Model, type ParameterTensors, rowsAtOnce } from "../../models/mod.ts";
import { requireFiniteInput } from "../../training/finite_input.ts";

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
 * @throws {RangeError} If an activation is not finite, with the layer's name.
 */
export async function calibrate(
  device: Device,
  model: Model,
  parameters: ParameterTensors,
  chunks: readonly Chunk[],
): Promise<ActivationRanges> {
  using _scope = device.scope();
  const observed: { layer: string; ends: readonly Tensor[] }[] = [];
  const parts = chunks.flatMap((chunk) => splitChunk(chunk, rowsAtOnce(model, 1)));
  for (const { source, rows } of parts) {
    using part = device.scope();
    model.forward(parameters, { source, rows }, {
      layerInput(layer, input) {
        const flat = reshape(input, [input.size]);
        const ends = [reduceAxis("minimum", flat, 0), reduceAxis("maximum", flat, 0)];
        observed.push({ layer, ends: ends.map((end) => part.keep(end)) });
        return input;
      },
    });
  }
  const values = await readAll(observed.flatMap(({ ends }) => ends));
  const ranges: Record<string, Range> = {};
  observed.forEach(({ layer }, i) => {
    const [low, high] = values.slice(2 * i, 2 * i + 2).map(([value]) => value);
    requireFiniteInput(layer, [low, high]);
    const before = ranges[layer] ?? { low, high };
    ranges[layer] = { low: Math.min(before.low, low), high: Math.max(before.high, high) };
  });
  return ranges;
}
