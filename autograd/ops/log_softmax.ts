import { reshape, run, type Tensor } from "../../gpu/mod.ts";
import { logSoftmaxKernels } from "../../kernels/mod.ts";
import { differentiable } from "../tape.ts";

/**
 * Gives the logarithms of the probabilities that logits stand for: `y = x - log sum exp x`, along the
 * last axis.
 *
 * For training, `crossEntropy` does this, the likelihood and both gradients in one dispatch.
 *
 * @param x Logits `[..., classes]`.
 * @returns Log-probabilities of the same shape.
 * @see Bridle 1990, Probabilistic Interpretation of Feedforward Classification Network Outputs
 */
export function logSoftmax(x: Tensor): Tensor {
  const classes = x.shape.at(-1) ?? 1;
  const params = { rows: x.size / classes, classes };
  const { y } = run(logSoftmaxKernels.forward, { x }, params);
  return differentiable(reshape(y, x.shape), [x], (dy) => {
    const { dx } = run(logSoftmaxKernels.backward, { saved: y, dy }, params);
    return [reshape(dx, x.shape)];
  });
}
