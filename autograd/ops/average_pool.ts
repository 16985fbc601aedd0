import { formatShape, reshape, run, type Tensor } from "../../gpu/mod.ts";
import { averagePoolKernels, averagePoolParams, chooseAveragePool } from "../../kernels/mod.ts";
import { differentiable } from "../tape.ts";
import { view } from "./view.ts";

/** How windows lie. */
export interface AveragePoolOptions {
  /** Side of a window; 2 if left out. */
  readonly size?: number;
  /** Distance of two windows; the size if left out. */
  readonly stride?: number;
  /** Zeros on all four sides, which the means count; at most half a window, 0 if left out. */
  readonly padding?: number;
}

/** Means of windows of the last two axes, `[..., outHeight, outWidth]`. */
function poolWindows(
  x: Tensor,
  height: number,
  width: number,
  stride: number,
  padding: number,
): Tensor {
  const [inHeight, inWidth] = x.shape.slice(-2);
  const planes = x.size / (inHeight * inWidth);
  const params = averagePoolParams({
    planes,
    inHeight,
    inWidth,
    height,
    width,
    stride,
    padding,
  });
  const constants = chooseAveragePool(params);
  const { y } = run(averagePoolKernels.forward, { x }, params, { constants });
  const shape = [...x.shape.slice(0, -2), params.outHeight, params.outWidth];
  return differentiable(reshape(y, shape), [x], (dy) => {
    const { dx } = run(averagePoolKernels.backward, { dy }, params, { constants });
    return [reshape(dx, x.shape)];
  });
}

function checkAxes(x: Tensor): void {
  if (x.shape.length < 2) {
    throw new RangeError(
      `Cannot pool: x must be [..., height, width]: it is ${formatShape(x.shape)}`,
    );
  }
}

/**
 * Averages every window of the last two axes, as PyTorch's `avg_pool2d` does with its usual
 * `count_include_pad=True`: padding counts in the mean.
 *
 * @param x `[..., height, width]`.
 * @param options Size and stride of the windows, and padding.
 * @returns `[..., outHeight, outWidth]`, in floor mode.
 * @throws {RangeError} If the window does not fit, or the padding is more than half a window.
 * @see LeCun et al. 1998, doi:10.1109/5.726791
 */
export function averagePool(x: Tensor, options: AveragePoolOptions = {}): Tensor {
  checkAxes(x);
  const { size = 2, stride = size, padding = 0 } = options;
  return poolWindows(x, size, size, stride, padding);
}

/**
 * Averages every channel over its whole image.
 *
 * @param x `[..., height, width]`, such as `[networks, rows, channels, height, width]`.
 * @returns `[...]`, such as `[networks, rows, channels]`.
 * @throws {RangeError} If x has no height and width.
 * @see Lin, Chen, Yan 2014, arXiv:1312.4400, section 3.2
 */
export function globalAveragePool(x: Tensor): Tensor {
  checkAxes(x);
  const [height, width] = x.shape.slice(-2);
  return view(poolWindows(x, height, width, 1, 0), x.shape.slice(0, -2));
}
