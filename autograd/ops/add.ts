import { formatShape, type Tensor } from "../../gpu/mod.ts";
import { combine } from "../arithmetic.ts";
import { differentiable } from "../tape.ts";

/**
 * Adds two tensors of one shape: where a block of a residual network meets its shortcut.
 *
 * @param a Any shape.
 * @param b The same shape.
 * @returns The same shape.
 * @throws {RangeError} If the shapes differ.
 */
export function add(a: Tensor, b: Tensor): Tensor {
  if (`${a.shape}` !== `${b.shape}`) {
    throw new RangeError(
      `Cannot add: shapes must be equal: a is ${formatShape(a.shape)}, b is ${
        formatShape(b.shape)
      }`,
    );
  }
  return differentiable(combine("add", a, b), [a, b], (dy) => [dy, dy]);
}
