import { formatShape, reshape, run, type Tensor } from "../../gpu/mod.ts";
import { squaredErrorKernels as kernels } from "../../kernels/mod.ts";
import { fill } from "../arithmetic.ts";
import { differentiable } from "../tape.ts";

/**
 * Computes how far the outputs of a network are from those that are wanted, row by row.
 *
 *     loss[p, r] = mean over features of (y[p, r] - target[p, r])^2
 *
 * @param y Outputs `[networks, rows, ...]`.
 * @param target What they should be, of the same shape, or `[1, rows, ...]` for all networks; not
 *   differentiated.
 * @returns Losses `[networks, rows]`; `backward` of them means the mean over the rows, network by
 *   network.
 * @throws {RangeError} If the shapes do not fit.
 */
export function meanSquaredError(y: Tensor, target: Tensor): Tensor {
  const [networks, rows] = y.shape;
  const rest = (x: Tensor) => `${x.shape.slice(1)}`;
  const fits = y.shape.length >= 2 && rest(y) === rest(target) &&
    (target.shape[0] === 1 || target.shape[0] === networks);
  if (!fits) {
    throw new RangeError(
      "Cannot compute the mean squared error: the target must have the shape of y, or one network: " +
        `y is ${formatShape(y.shape)}, the target ${formatShape(target.shape)}`,
    );
  }
  const params = {
    rows: networks * rows,
    features: y.size / (networks * rows),
    targetRows: target.shape[0] * rows,
  };
  const { losses } = run(kernels.forward, { y, wanted: target }, params, {
    constants: { LANES: y.device.isSoftware ? 8 : 64 },
  });
  const gradientOf = (dLosses: Tensor) => [
    reshape(run(kernels.backward, { y, wanted: target, dLosses }, params).dy, y.shape),
  ];
  return differentiable(
    reshape(losses, [networks, rows]),
    [y],
    (dy) => gradientOf(dy),
    () => gradientOf(fill(y.device, [networks, rows], 1 / rows)),
  );
}
