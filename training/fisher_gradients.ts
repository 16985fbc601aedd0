import {
  affine,
  backward,
  combine,
  fill,
  logSoftmax,
  mapElements,
  reduceAxis,
} from "../autograd/mod.ts";
import type { LearningContext } from "../compression/mod.ts";
import { reshape, run, type Tensor } from "../gpu/mod.ts";
import { dropoutKernels, dropoutParams } from "../kernels/mod.ts";

/** The random stream of the signs: apart from those of masks, layers and epochs. */
const SIGN_STREAM = 2 ** 29;

/** -1 or 1, a pure function of seed, step and element. */
function randomSigns(like: Tensor, { clock, seeds }: LearningContext): Tensor {
  const networks = like.shape[0];
  const size = like.size / networks;
  const params = dropoutParams({ networks, size, rate: 0.5, stream: SIGN_STREAM });
  const ones = fill(like.device, like.shape, 1);
  const { y } = run(dropoutKernels.forward, { x: ones, seeds, clock }, params); // 0 or 2
  return reshape(affine(y, 1, -1), like.shape);
}

/**
 * Draws gradients whose expected squares are the diagonal of the Fisher information, output by output.
 *
 *     g = J^T r,   r = sqrt(p) e - p sum(sqrt(p) e),   p = softmax(logits),   J = d logits / d output
 *
 * with random signs e, so E[r r^T] = diag(p) - p p^T, the covariance of the cross-entropy's gradient over
 * labels that the network itself gives, and E[g^2] = diag(J^T (diag(p) - p p^T) J). So no label is needed, and
 * one pass back through the network draws a sample of all classes.
 *
 * @param logits `[networks, rows, classes]`.
 * @param output What they were computed from, `[networks, rows, ...]`, or the logits themselves.
 * @param context Seeds and step: of the signs.
 * @returns The shape of `output`.
 * @throws {TypeError} If the logits do not depend on `output`.
 * @see Li et al. 2021, arXiv:2102.05426; Martens 2020, arXiv:1412.1193
 */
export function fisherGradients(logits: Tensor, output: Tensor, context: LearningContext): Tensor {
  const [networks, rows] = logits.shape;
  const logP = logSoftmax(logits);
  const signed = combine(
    "multiply",
    mapElements("exponential", affine(logP, 0.5, 0)),
    randomSigns(logits, context),
  );
  const sums = reshape(reduceAxis("sum", signed, 2), [networks, rows, 1]);
  const seed = combine(
    "subtract",
    signed,
    combine("multiply", mapElements("exponential", logP), sums),
  );
  return output === logits ? seed : backward(logits, [output], { seed }).get(output)!;
}
