import { fakeQuantize, uploadGrids } from "../autograd/mod.ts";
import { type AffineGrid, affineGrid, makeObserver } from "../compression/mod.ts";
import { type Device, read, type Tensor } from "../gpu/mod.ts";
import type { ActivationGridOptions } from "./observe_activations.ts";

/**
 * Chooses the grid of one layer's input from batches of it.
 *
 * @param device Where it runs.
 * @param label Name of the layer, for errors.
 * @param batches Each computes inputs `[1, rows, ...]`; they are read one after the other.
 * @param options Kind of grid, and observer (nearest in the mean of squares if left out).
 * @returns One grid for the whole input.
 * @throws {RangeError} If an input is not finite.
 */
export async function chooseInputGrid(
  device: Device,
  label: string,
  batches: Iterable<() => Tensor>,
  { grid, observer = { kind: "meanSquaredError" } }: ActivationGridOptions,
): Promise<AffineGrid> {
  const watching = makeObserver(observer, { label, grid });
  for (const inputsOf of batches) {
    using _scope = device.scope();
    const x = inputsOf();
    watching.observe(await read(x) as Float32Array<ArrayBuffer>, x.shape.slice(1));
  }
  return affineGrid(watching.observed().range, grid);
}

/**
 * Makes the hook that quantizes what goes into layers.
 *
 * @param device Where; the grids belong to the scope of this call.
 * @param grids By layer; others get their inputs as they are.
 * @returns What `ForwardHooks.layerInput` takes.
 */
export function quantizedInputs(
  device: Device,
  grids: Readonly<Record<string, AffineGrid>>,
): (layer: string, x: Tensor) => Tensor {
  const uploaded = new Map(
    Object.entries(grids).map(([layer, grid]) => [layer, uploadGrids(device, [grid], 1)]),
  );
  return (layer, x) => {
    const grid = uploaded.get(layer);
    return grid === undefined ? x : fakeQuantize(x, grid);
  };
}
