import type { Tensor } from "../../gpu/mod.ts";
import { combine } from "../arithmetic.ts";
import { differentiable } from "../tape.ts";

/**
 * Multiplies element by element by numbers that do not learn.
 *
 * @param x Any shape.
 * @param constants Of the same shape, or one that broadcasts to it; not differentiated.
 * @returns The shape of `x`.
 * @throws {RangeError} If the shapes do not broadcast.
 */
export function multiplyBy(x: Tensor, constants: Tensor): Tensor {
  return differentiable(
    combine("multiply", x, constants),
    [x],
    (dy) => [combine("multiply", dy, constants)],
  );
}
