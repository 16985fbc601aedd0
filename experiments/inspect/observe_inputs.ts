import type { Bits, ObserverSpec } from "../../compression/mod.ts";
import { type Chunk, splitChunk } from "../../data/mod.ts";
import type { Device } from "../../gpu/mod.ts";
import { type Model, type ParameterTensors, rowsAtOnce } from "../../models/mod.ts";
import { calibrate, type ObservedRanges, observeRanges } from "../../training/mod.ts";

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
 * @returns A range a layer, and what is to be said of the images.
 * @throws {RangeError} If an activation is not finite, with the layer's name.
 */
export async function observeInputs(
  device: Device,
  model: Model,
  parameters: ParameterTensors,
  chunks: readonly Chunk[],
  observer: ObserverSpec,
  bits: Bits,
): Promise<ObservedRanges> {
  if (observer.kind === "minMax") return await calibrate(device, model, parameters, chunks);
  const grid = { kind: "affine", bits } as const;
  const inner = model.activations ?? model.inputShape.reduce((a, b) => a * b, 1);
  const atOnce = Math.min(
    rowsAtOnce(model, 1),
    Math.max(1, Math.floor(MOST_NUMBERS / inner / 64)) * 64,
  );
  const parts = chunks.flatMap((chunk) => splitChunk(chunk, atOnce));
  const found = await observeRanges(device, model, parameters, parts, [{ grid, observer }]);
  return {
    ranges: Object.fromEntries(Object.entries(found).map(([layer, [{ range }]]) => [layer, range])),
    remarks: Object.values(found).flatMap(([{ remarks }]) => remarks),
  };
}
