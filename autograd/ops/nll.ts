import { formatShape, reshape, run, type Tensor } from "../../gpu/mod.ts";
import { nllKernels } from "../../kernels/mod.ts";
import { differentiable } from "../tape.ts";

/**
 * Gives the negative log-likelihood of the right class: `loss[r] = -y[r, label]`.
 *
 * @param y Log-probabilities `[networks, rows, classes]`, from `logSoftmax`.
 * @param labels `u32`, `[networks, rows]`, or `[rows]` shared by all networks.
 * @returns Losses `[networks, rows]` in nats.
 * @throws {RangeError} If there is not one label a row.
 */
export function nll(y: Tensor, labels: Tensor): Tensor {
  const [networks, rows, classes] = y.shape;
  if (y.shape.length !== 3 || (labels.size !== rows && labels.size !== networks * rows)) {
    throw new RangeError(
      "Cannot compute the likelihood: y must be [networks, rows, classes] with one label a row: y " +
        `is ${formatShape(y.shape)}, labels ${formatShape(labels.shape)}`,
    );
  }
  const params = { rows: networks * rows, classes, labelRows: labels.size };
  const { losses } = run(nllKernels.forward, { y, labels }, params);
  return differentiable(reshape(losses, [networks, rows]), [y], (dLosses) => {
    const { dy } = run(nllKernels.backward, { labels, dLosses }, params);
    return [reshape(dy, y.shape)];
  });
}
