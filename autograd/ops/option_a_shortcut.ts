import { reshape, run, type Tensor } from "../../gpu/mod.ts";
import { chooseShortcut, shortcutKernels, shortcutParams } from "../../kernels/mod.ts";
import { differentiable } from "../tape.ts";

/**
 * Leads around a block of a residual network that halves the image: every second row and column, with
 * channels of zeros on both sides. It has no parameters.
 *
 * @param x `[networks, rows, channels, height, width]`.
 * @param outChannels Channels that the block gives; an even number more than it takes.
 * @returns `[networks, rows, outChannels, ceil(height / 2), ceil(width / 2)]`.
 * @throws {RangeError} If the missing channels cannot stand half on either side.
 * @see He et al. 2016, arXiv:1512.03385, section 3.3
 */
export function optionAShortcut(x: Tensor, outChannels: number): Tensor {
  const [networks, rows, inChannels, inHeight, inWidth] = x.shape;
  const images = networks * rows;
  const params = shortcutParams({ images, inChannels, inHeight, inWidth, outChannels });
  const constants = chooseShortcut(params);
  const { y } = run(shortcutKernels.forward, { x }, params, { constants });
  const shape = [networks, rows, outChannels, params.outHeight, params.outWidth];
  return differentiable(reshape(y, shape), [x], (dy) => {
    const { dx } = run(shortcutKernels.backward, { dy }, params, { constants });
    return [reshape(dx, x.shape)];
  });
}
