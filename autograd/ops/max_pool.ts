import { formatShape, reshape, run, type Tensor } from "../../gpu/mod.ts";
import { chooseMaxPool, maxPoolKernels, maxPoolParams } from "../../kernels/mod.ts";
import { differentiable } from "../tape.ts";

/** How windows lie, and what follows the pooling. */
export interface MaxPoolOptions {
  /** Side of a window; 2 if left out. */
  readonly size?: number;
  /** Distance of two windows; the size if left out. */
  readonly stride?: number;
  /** Rectify in the same dispatch: the same as a ReLU before the pooling, on fewer elements. */
  readonly relu?: boolean;
}

/**
 * Takes the largest element of every window of the last two axes, as PyTorch's `max_pool2d`.
 *
 * @param x `[..., height, width]`.
 * @param options Size and stride of the windows, and whether to rectify.
 * @returns `[..., outHeight, outWidth]`, in floor mode.
 * @throws {RangeError} If the window does not fit.
 */
export function maxPool(x: Tensor, options: MaxPoolOptions = {}): Tensor {
  const { size = 2, stride = size, relu = false } = options;
  const axes = x.shape.length;
  if (axes < 2) {
    throw new RangeError(
      `Cannot pool: x must be [..., height, width]: it is ${formatShape(x.shape)}`,
    );
  }
  const [inHeight, inWidth] = x.shape.slice(-2);
  const planes = x.size / (inHeight * inWidth);
  const params = maxPoolParams({ planes, inHeight, inWidth, size, stride });
  const { y, argmax } = run(maxPoolKernels.forward, { x }, params, {
    constants: { ...chooseMaxPool(params), RELU: relu ? 1 : 0 },
  });
  const shape = [...x.shape.slice(0, -2), params.outHeight, params.outWidth];
  return differentiable(reshape(y, shape), [x], (dy) => {
    const { dx } = run(maxPoolKernels.backward, { dy, positions: argmax }, params, {
      constants: chooseMaxPool(params),
    });
    return [reshape(dx, x.shape)];
  });
}
