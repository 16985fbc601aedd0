import type { ResidentImages } from "../data/mod.ts";
import { type Device, readAll, reshape, type Tensor, tensor } from "../gpu/mod.ts";
import type { Model, ParameterTensors } from "../models/mod.ts";

/** Images that are looked at, and about how many numbers of a layer's input are kept. */
const IMAGES = 256;
const VALUES = 2 ** 16;

/**
 * Takes samples of what goes into every layer: what the first grids of activations are chosen from.
 *
 * @param device Where it runs.
 * @param model The model.
 * @param parameters Of all networks.
 * @param networks How many networks.
 * @param images Calibration images, of which the first 256 are looked at.
 * @returns Evenly spaced elements by layer, one list a network.
 */
export async function sampleActivations(
  device: Device,
  model: Model,
  parameters: ParameterTensors,
  networks: number,
  images: ResidentImages,
): Promise<Record<string, Float32Array[]>> {
  using _scope = device.scope();
  const count = Math.min(IMAGES, images.count);
  const rows = tensor(device, Uint32Array.from({ length: count }, (_, i) => i));
  const seen = new Map<string, Tensor>();
  model.forward(parameters, { source: images, rows: reshape(rows, [1, count]) }, {
    layerInput(layer, x) {
      seen.set(layer, x);
      return x;
    },
  });
  const values = await readAll([...seen.values()]);
  return Object.fromEntries([...seen].map(([layer, x], i) => {
    const size = x.size / x.shape[0];
    // an odd stride meets every column of a matrix
    const stride = Math.ceil(size / VALUES) | 1;
    const samples = Array.from({ length: networks }, (_, p) => {
      const start = x.shape[0] === 1 ? 0 : p * size;
      const kept = Math.ceil(size / stride);
      return Float32Array.from({ length: kept }, (_, j) => values[i][start + j * stride]);
    });
    return [layer, samples];
  }));
}
