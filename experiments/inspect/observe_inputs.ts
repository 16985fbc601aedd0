import {
  type Bits,
  makeObserver,
  type Observer,
  type ObserverSpec,
} from "../../compression/mod.ts";
import { type Chunk, splitChunk } from "../../data/mod.ts";
import { type Device, readAll, type Tensor } from "../../gpu/mod.ts";
import { type Model, type ParameterTensors, rowsAtOnce } from "../../models/mod.ts";
import { type ActivationRanges, calibrate } from "../execute/calibrate.ts";

/** Numbers that are read from the GPU at once at most: 64 MiB. */
const MOST_NUMBERS = 2 ** 24;

/**
 * Finds the range that every layer's input is quantized over, on calibration images.
 *
 * Smallest and largest values are found on the GPU; other observers look at all activations on the host.
 *
 * @param device Where it runs.
 * @param model The model.
 * @param parameters Weights of one network.
 * @param chunks Calibration images, from the training set.
 * @param observer How ranges are found.
 * @param bits Of the grids that the ranges are for.
 * @returns A range a layer.
 * @throws {RangeError} If an activation is not finite, with the layer's name.
 */
export async function observeInputs(
  device: Device,
  model: Model,
  parameters: ParameterTensors,
  chunks: readonly Chunk[],
  observer: ObserverSpec,
  bits: Bits,
): Promise<ActivationRanges> {
  if (observer.kind === "minMax") return await calibrate(device, model, parameters, chunks);
  const grid = { kind: "affine", bits } as const;
  const observers = new Map<string, Observer>(
    model.layers.map((layer) => [layer, makeObserver(observer, { label: layer, grid })]),
  );
  const inner = model.activations ?? model.inputShape.reduce((a, b) => a * b, 1);
  const atOnce = Math.min(
    rowsAtOnce(model, 1),
    Math.max(1, Math.floor(MOST_NUMBERS / inner / 64)) * 64,
  );
  for (const { source, rows } of chunks.flatMap((chunk) => splitChunk(chunk, atOnce))) {
    using _part = device.scope();
    const seen: [layer: string, x: Tensor][] = [];
    model.forward(parameters, { source, rows }, {
      layerInput(layer, x) {
        seen.push([layer, x]);
        return x;
      },
    });
    const values = await readAll(seen.map(([, x]) => x));
    for (const [i, [layer, { shape }]] of seen.entries()) {
      observers.get(layer)!.observe(values[i] as Float32Array, shape.slice(1));
    }
  }
  return Object.fromEntries(
    model.layers.map((layer) => [layer, observers.get(layer)!.observed().range]),
  );
}
