import { reshape, type Tensor } from "../../gpu/mod.ts";
import { affine, combine, fill, reduceAxis } from "../arithmetic.ts";
import { differentiable } from "../tape.ts";

/**
 * Averages every channel over its whole image.
 *
 * @param x `[networks, rows, channels, height, width]`.
 * @returns `[networks, rows, channels]`.
 * @see Lin, Chen, Yan 2014, arXiv:1312.4400, section 3.2
 */
export function globalAveragePool(x: Tensor): Tensor {
  const [networks, rows, channels, height, width] = x.shape;
  const planes = networks * rows * channels;
  const pixels = height * width;
  const sums = reduceAxis("sum", reshape(x, [planes, pixels]), 1);
  const y = reshape(affine(sums, 1 / pixels, 0), [networks, rows, channels]);
  return differentiable(y, [x], (dy) => {
    const shares = fill(x.device, [1, pixels], 1 / pixels);
    return [reshape(combine("multiply", reshape(dy, [planes, 1]), shares), x.shape)];
  });
}
