import {
  dynamicGrids,
  fakeQuantize,
  fakeQuantizeShared,
  type QuantParams,
} from "../../../autograd/mod.ts";
import { type Device, type Tensor, tensor } from "../../../gpu/mod.ts";
import { BITS, isBits } from "../bits.ts";

/** Quantizes activations on grids that are found anew for every batch, on the GPU. */
export interface DynamicRange {
  /**
   * Finds the grids of a batch: per network the smallest and largest value of all of it.
   *
   * @param x `[networks or 1, rows, ...]`; 1 where all networks see the same.
   * @returns One channel a network, equal to what `chooseQuantParams` gives, bit for bit.
   */
  grids(x: Tensor): QuantParams;
  /**
   * Snaps a batch to its own grids.
   *
   * @param x `[networks or 1, rows, ...]`.
   * @returns `[networks, rows, ...]`.
   */
  quantize(x: Tensor): Tensor;
}

/**
 * Makes a quantizer of activations that needs no calibration: dynamic range quantization.
 *
 * The range of a batch is reduced on the GPU and its grid chosen there, so nothing is read back. A
 * batch with a value that is not finite, or a range wider than 2^120, becomes NaN throughout.
 *
 * @param device Where it runs; a small tensor belongs to the scope of this call.
 * @param bits Of each network of a population, 1 to 16.
 * @returns Grids, and the quantizer: what a hook of a forward pass calls.
 * @throws {RangeError} If a bit-width is out of range.
 * @see Jacob et al. 2018, arXiv:1712.05877, section 2.1
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { dynamicRange, openDevice, read, tensor } from "@bitcliff/bitcliff";
 *
 * using device = await openDevice();
 * const x = tensor(device, [-1, 0.1, 2, 0.9], [1, 2, 2]);
 * const y = dynamicRange(device, [2]).quantize(x); // steps of 1 from -1 to 2
 * assert.deepEqual([...await read(y)], [-1, 0, 2, 1]);
 * ```
 */
export function dynamicRange(device: Device, bits: readonly number[]): DynamicRange {
  const bad = bits.find((b) => !isBits(b));
  if (bad !== undefined || bits.length === 0) {
    throw new RangeError(
      `Cannot quantize to ${bad ?? "no"} bits: bits must be whole numbers from ${BITS.least} to ` +
        `${BITS.most}, one a network`,
    );
  }
  const networks = bits.length;
  const widths = tensor(device, Uint32Array.from(bits));
  const grids = (x: Tensor): QuantParams => {
    const copies = x.shape[0];
    if (copies !== 1 && copies !== networks) {
      throw new RangeError(
        `Cannot quantize activations of ${copies} networks: bits were given for ${networks}`,
      );
    }
    return dynamicGrids(x, { bits: widths, inner: x.size / copies });
  };
  return {
    grids,
    quantize: (x) => (x.shape[0] === networks ? fakeQuantize : fakeQuantizeShared)(x, grids(x)),
  };
}
