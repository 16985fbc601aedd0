import { reshape, run, type Tensor } from "../../gpu/mod.ts";
import { reluKernels } from "../../kernels/mod.ts";
import { isMasked, markActivated } from "../relu_mask.ts";
import { differentiable } from "../tape.ts";

/**
 * Zeroes a gradient where a ReLU was not active, unless it was computed that way.
 *
 * @param dy Gradient of the ReLU's output.
 * @param y The ReLU's output, of the same shape.
 * @returns Gradient of the ReLU's input.
 */
export function reluGradient(dy: Tensor, y: Tensor): Tensor {
  if (isMasked(dy, y)) return dy;
  const { dx } = run(reluKernels.backward, { activated: y, dy }, { size: y.size });
  return reshape(dx, y.shape);
}

/**
 * Rectifies: `y = max(x, 0)`.
 *
 * @param x Any shape.
 * @returns The same shape.
 * @see Nair and Hinton 2010, ICML
 */
export function relu(x: Tensor): Tensor {
  const y = reshape(run(reluKernels.forward, { x }, { size: x.size }).y, x.shape);
  markActivated(y);
  return differentiable(y, [x], (dy) => [reluGradient(dy, y)]);
}
