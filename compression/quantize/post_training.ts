import {
  fakeQuantize,
  type GridNumbers,
  type QuantParams,
  uploadGrids,
} from "../../autograd/mod.ts";
import type { Device, Tensor } from "../../gpu/mod.ts";
import { chooseQuantParams, type Range, rangesOf } from "./affine.ts";

/** One range for a whole weight, or one for each output channel. */
export type Granularity = "tensor" | "channel";

/** How one network of a population is quantized; frozen data, part of a trial. */
export interface AffineQuantization {
  /** Bits of a weight (and of an activation): 1 to 16. */
  readonly bits: number;
  /** One range for the whole weight, or one a channel. */
  readonly granularity: Granularity;
}

/**
 * Quantizes one weight of P copies of a network, each in its own way, in one dispatch.
 *
 * Every output channel of every network is a channel of the fake-quantize kernel, so different
 * bit-widths and granularities share it.
 *
 * @param weight P equal copies `[networks, outputs, ...]`.
 * @param values The same weight on the host, one copy, where its ranges are found.
 * @param variants One a network.
 * @returns `[networks, outputs, ...]`, every network on its own grid.
 * @throws {RangeError} If there is not one variant a network, or a value is not finite.
 */
export function quantizeWeight(
  weight: Tensor,
  values: Float32Array,
  variants: readonly AffineQuantization[],
): Tensor {
  const [networks, outputs] = weight.shape;
  if (variants.length !== networks) {
    throw new RangeError(
      `Cannot quantize ${networks} networks: each needs one variant: ${variants.length} were given`,
    );
  }
  const whole = rangesOf(values, 1);
  const channels = rangesOf(values, outputs);
  const grids = variants.flatMap(({ bits, granularity }): GridNumbers[] =>
    Array.from(
      { length: outputs },
      (_, o) => chooseQuantParams(granularity === "tensor" ? whole[0] : channels[o], bits),
    )
  );
  return fakeQuantize(weight, uploadGrids(weight.device, grids, values.length / outputs));
}

/**
 * Makes the activation grids of a population: per network one range, and one bit-width each.
 *
 * @param device Where they live.
 * @param range Of the activation, calibrated on training data.
 * @param bits Of every network.
 * @param inner Elements of the activation of one network.
 * @returns Grids that `fakeQuantize` takes, one channel a network.
 */
export function activationGrids(
  device: Device,
  range: Range,
  bits: readonly number[],
  inner: number,
): QuantParams {
  return uploadGrids(device, bits.map((b) => chooseQuantParams(range, b)), inner);
}
