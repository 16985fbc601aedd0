import { formatShape, reshape, run, type Tensor } from "../../gpu/mod.ts";
import { dropoutKernels, dropoutParams } from "../../kernels/mod.ts";
import { differentiable } from "../tape.ts";

/** How much to drop, and what decides which elements. */
export interface DropoutOptions {
  /** Share of the elements that become 0, from 0 to less than 1. */
  readonly rate: number;
  /** Number of the layer: layers of one network must have different ones. */
  readonly stream: number;
  /** There while training: step number `u32 [1]` and seeds `u32 [networks]`. */
  readonly training?: { readonly clock: Tensor; readonly seeds: Tensor };
}

/**
 * Zeroes elements at random while training, and scales the others by `1 / (1 - rate)`.
 *
 * The mask is a pure function of seed, stream, step and element, and the backward pass computes it
 * anew. Outside training, or at a rate of 0, it gives `x` itself.
 *
 * @param x `[networks, ...]`.
 * @param options Rate, stream and, while training, step and seeds.
 * @returns The same shape.
 * @throws {RangeError} If the rate is not in [0, 1), or there is not one seed a network.
 * @see Srivastava et al. 2014, JMLR 15
 */
export function dropout(x: Tensor, { rate, stream, training }: DropoutOptions): Tensor {
  if (!(rate >= 0 && rate < 1)) {
    throw new RangeError(`Cannot drop out: the rate must be from 0 to less than 1: ${rate}`);
  }
  if (training === undefined || rate === 0) return x;
  const { clock, seeds } = training;
  const networks = x.shape[0];
  if (seeds.size !== networks) {
    throw new RangeError(
      `Cannot drop out: x must be [networks, ...] with one seed a network: x is ${
        formatShape(x.shape)
      }, ` +
        `seeds ${formatShape(seeds.shape)}`,
    );
  }
  const params = dropoutParams({ networks, size: x.size / networks, rate, stream });
  const { y } = run(dropoutKernels.forward, { x, seeds, clock }, params);
  return differentiable(reshape(y, x.shape), [x], (dy) => {
    const { dx } = run(dropoutKernels.backward, { dy, seeds, clock }, params);
    return [reshape(dx, x.shape)];
  });
}
