import { formatShape, reshape, run, type Tensor } from "../../gpu/mod.ts";
import { dropoutKernels, dropoutParams } from "../../kernels/mod.ts";
import { affine, combine } from "../arithmetic.ts";
import { differentiable } from "../tape.ts";
import type { DropoutOptions } from "./dropout.ts";

/**
 * Gives back some elements of a quantized tensor as they were before it was quantized, at random while
 * training: QDrop.
 *
 *     y = x where dropped, quantized elsewhere
 *
 * Written `y = x + kept (quantized - x)` with the mask of dropout, a pure function of seed, stream, step
 * and element. Outside training, or at a rate of 0, it gives `quantized` itself.
 *
 * @param quantized What is mixed in, `[networks, ...]`.
 * @param x The original, of the same shape.
 * @param options Share of the elements that stay as they were, stream and, while training, step and seeds.
 * @returns The same shape.
 * @throws {RangeError} If the shapes differ, the rate is not in [0, 1), or there is not one seed a
 *   network.
 * @see Wei et al. 2022, arXiv:2203.05740, equation 9
 */
export function randomMix(
  quantized: Tensor,
  x: Tensor,
  { rate, stream, training }: DropoutOptions,
): Tensor {
  const networks = x.shape[0];
  const seeds = training?.seeds;
  if (
    !(rate >= 0 && rate < 1) || `${quantized.shape}` !== `${x.shape}` ||
    (seeds !== undefined && seeds.size !== networks)
  ) {
    throw new RangeError(
      "Cannot mix at random: both tensors must be [networks, ...], the rate from 0 to less than 1, " +
        `and every network needs a seed: the rate is ${rate}, the shapes ${
          formatShape(quantized.shape)
        } and ${formatShape(x.shape)}, seeds ${seeds?.size}`,
    );
  }
  if (training === undefined || rate === 0) return quantized;
  const { clock } = training;
  const params = dropoutParams({ networks, size: x.size / networks, rate, stream });
  // dropout scales up what it keeps; here what is kept stays as it is
  const keep = (values: Tensor) => {
    const { y } = run(dropoutKernels.forward, { x: values, seeds: training.seeds, clock }, params);
    return reshape(affine(y, 1 - rate, 0), x.shape);
  };
  const y = combine("add", x, keep(combine("subtract", quantized, x)));
  return differentiable(y, [quantized, x], (dy) => {
    const kept = keep(dy);
    return [kept, combine("subtract", dy, kept)];
  });
}
