import { reshape, type Tensor } from "../../gpu/mod.ts";
import { differentiable } from "../tape.ts";

/**
 * Looks at a tensor under another shape, and lets gradients pass.
 *
 * @param x Any shape.
 * @param shape A shape of the same size.
 * @returns A view of the same memory.
 * @throws {RangeError} If the sizes differ.
 */
export function view(x: Tensor, shape: readonly number[]): Tensor {
  return differentiable(reshape(x, shape), [x], (dy) => [reshape(dy, x.shape)]);
}
