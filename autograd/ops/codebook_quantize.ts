import { type Device, formatShape, reshape, run, type Tensor, tensor } from "../../gpu/mod.ts";
import { codebookQuantizeKernels as kernels, packCodebooks } from "../../kernels/mod.ts";
import { differentiable } from "../tape.ts";

/** One list of levels a channel, on the GPU. */
export interface Codebooks {
  /** `[channels, slots]`, ascending; shorter lists repeat their last level. */
  readonly levels: Tensor;
  /** `[channels, slots]`: the middles of neighboring levels. */
  readonly thresholds: Tensor;
  /** Elements between two neighbors on the channel axis. */
  readonly inner: number;
}

/**
 * Uploads one list of levels a channel; lists of different lengths may be mixed.
 *
 * @param device Where to.
 * @param codebooks Ascending levels of each channel; a single one means per-tensor.
 * @param inner Elements between two neighbors on the channel axis.
 * @returns Codebooks that {@link fakeQuantizeToCodebook} takes.
 * @throws {RangeError} If a list is empty or does not ascend.
 */
export function uploadCodebooks(
  device: Device,
  codebooks: readonly Float32Array[],
  inner: number,
): Codebooks {
  const { slots, levels, thresholds } = packCodebooks(codebooks);
  const shape = [codebooks.length, slots];
  return {
    levels: tensor(device, levels, shape),
    thresholds: tensor(device, thresholds, shape),
    inner,
  };
}

/**
 * Replaces every element by the nearest of its channel's levels (of two equally near ones the higher),
 * and lets gradients pass straight through between the lowest and the highest level. NaN stays NaN.
 *
 * Channels may be networks of a population, or channels of networks: codebooks of different kinds and
 * bit-widths are one dispatch.
 *
 * @param x Values, any shape `[outer..., channels, inner...]`.
 * @param codebooks Levels of each channel.
 * @returns Levels, in the units and shape of `x`.
 * @throws {RangeError} If `x` does not hold a whole number of channel groups.
 * @see Lloyd 1982, doi:10.1109/TIT.1982.1056489; Bengio et al. 2013, arXiv:1308.3432
 */
export function fakeQuantizeToCodebook(x: Tensor, codebooks: Codebooks): Tensor {
  const { levels, thresholds, inner } = codebooks;
  const [channels, slots] = levels.shape;
  if (x.size % (channels * inner) !== 0) {
    throw new RangeError(
      `Cannot fake-quantize x as it must hold whole groups of ${channels} channels x ${inner} ` +
        `elements: current shape is ${formatShape(x.shape)}`,
    );
  }
  const params = { size: x.size, channels, inner, slots };
  const { y } = run(kernels.forward, { x, levels, thresholds }, params);
  return differentiable(reshape(y, x.shape), [x], (dy) => {
    const { dx } = run(kernels.backward, { x, levels, dy }, params);
    return [reshape(dx, x.shape)];
  });
}
