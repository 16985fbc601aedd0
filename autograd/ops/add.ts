import { formatShape, type Tensor } from "../../gpu/mod.ts";
import { combine } from "../arithmetic.ts";
import { markActivated } from "../relu_mask.ts";
import { differentiable } from "../tape.ts";
import { reluGradient } from "./relu.ts";

/** What a sum is followed by. */
export interface AddOptions {
  /** Rectify the sum in the same dispatch. */
  readonly relu?: boolean;
}

/**
 * Adds two tensors of one shape: where a block of a residual network meets its shortcut.
 *
 * @param a Any shape.
 * @param b The same shape.
 * @param options Whether to rectify.
 * @returns The same shape.
 * @throws {RangeError} If the shapes differ.
 */
export function add(a: Tensor, b: Tensor, options: AddOptions = {}): Tensor {
  if (`${a.shape}` !== `${b.shape}`) {
    throw new RangeError(
      `Cannot add: shapes must be equal: a is ${formatShape(a.shape)}, b is ${
        formatShape(b.shape)
      }`,
    );
  }
  const { relu = false } = options;
  const y = combine(relu ? "addRectified" : "add", a, b);
  if (relu) markActivated(y);
  return differentiable(y, [a, b], (gradient) => {
    const dy = relu ? reluGradient(gradient, y) : gradient;
    return [dy, dy];
  });
}
