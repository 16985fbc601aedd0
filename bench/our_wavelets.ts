import { decompose, reconstruct } from "../compression/transform/mod.ts";
import { type Device, type Tensor, tensor } from "../gpu/mod.ts";
import type { Bands } from "../kernels/mod.ts";
import { type OurWork, recordedOutputs, recordedWork } from "./our_side.ts";
import type { Inputs, Params } from "./peers/workloads.ts";

const HAAR = { wavelet: "haar", mode: "periodization" } as const;

/**
 * Prepares one level of the 2-D Haar transform.
 *
 * @param device Where to run.
 * @param params `size`, of both sides.
 * @param inputs `x` [size, size].
 * @returns The work; its outputs are the four bands, [size / 2, size / 2] each.
 */
export function prepareHaar(device: Device, { size }: Params, inputs: Inputs): OurWork {
  const x = tensor(device, inputs.x.data, [1, size, size]);
  return recordedOutputs(device, () => {
    const { approximation, details: [details] } = decompose(x, HAAR);
    return { approximation, ...details };
  });
}

/**
 * Prepares the inverse of {@link prepareHaar}.
 *
 * @param device Where to run.
 * @param params `size`, of both sides.
 * @param inputs The four bands, [size / 2, size / 2] each.
 * @returns The work; its output is `y` [size, size].
 */
export function prepareHaarInverse(device: Device, { size }: Params, inputs: Inputs): OurWork {
  const band = (name: keyof Bands<Tensor>): Tensor =>
    tensor(device, inputs[name].data, [1, size / 2, size / 2]);
  const pyramid = {
    approximation: band("approximation"),
    details: [{
      horizontal: band("horizontal"),
      vertical: band("vertical"),
      diagonal: band("diagonal"),
    }],
  };
  const sides = { height: size, width: size };
  return recordedWork(device, "y", () => reconstruct(pyramid, sides, HAAR));
}
