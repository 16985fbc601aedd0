import { formatShape, reshape, run, type Tensor } from "../../gpu/mod.ts";
import { softmaxNllKernels } from "../../kernels/mod.ts";
import { affine, combine } from "../arithmetic.ts";
import { differentiable } from "../tape.ts";

/** How sure a network shall be. */
export interface CrossEntropyOptions {
  /**
   * Share of the target that is spread over all classes alike, the right one included, from 0 to 1;
   * none if left out.
   */
  readonly labelSmoothing?: number;
}

/**
 * Computes log-softmax and negative log-likelihood of every row, and with them the gradient of
 * their mean: one dispatch for what `nll_loss(log_softmax(x))` and its backward are.
 *
 *     loss[p, r] = -log softmax(logits[p, r])[label],   dlogits = (softmax - onehot) / rows
 *
 * With label smoothing e, `onehot` becomes `(1 - e) onehot + e / classes`, as in PyTorch.
 *
 * @param logits `[networks, rows, classes]`.
 * @param labels `u32`, `[networks, rows]`, or `[rows]` shared by all networks.
 * @param options Label smoothing.
 * @returns Losses `[networks, rows]` in nats; `backward` of them means the mean over the rows,
 *   network by network.
 * @throws {RangeError} If there is not one label a row, or the smoothing is outside 0 to 1.
 * @see Szegedy et al. 2015, arXiv:1512.00567 (label smoothing)
 */
export function crossEntropy(
  logits: Tensor,
  labels: Tensor,
  options: CrossEntropyOptions = {},
): Tensor {
  const { labelSmoothing: smoothing = 0 } = options;
  const [networks, rows, classes] = logits.shape;
  if (labels.size !== rows && labels.size !== networks * rows) {
    throw new RangeError(
      "Cannot compute the cross-entropy: labels must have one element a row: logits are " +
        `${formatShape(logits.shape)}, labels ${formatShape(labels.shape)}`,
    );
  }
  if (!(smoothing >= 0 && smoothing <= 1)) {
    throw new RangeError(
      `Cannot compute the cross-entropy: the label smoothing must be from 0 to 1: ${smoothing}`,
    );
  }
  const params = {
    rows: networks * rows,
    classes,
    labelRows: labels.size,
    scale: 1 / rows,
    smoothing,
  };
  const { losses, dLogits } = run(softmaxNllKernels.forward, { logits, labels }, params, {
    constants: { SMOOTHED: smoothing > 0 ? 1 : 0 },
  });
  const ofMean = () => [reshape(dLogits, logits.shape)];
  return differentiable(
    reshape(losses, [networks, rows]),
    [logits],
    (dy) => {
      // the gradient at hand is that of the mean: weigh its rows anew
      const weights = reshape(affine(dy, rows, 0), [networks, rows, 1]);
      return [combine("multiply", reshape(dLogits, logits.shape), weights)];
    },
    ofMean,
  );
}
