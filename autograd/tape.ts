import { formatShape, type Tensor } from "../gpu/mod.ts";
import { affine, combine, fill } from "./arithmetic.ts";

/** A gradient that is wanted; `into` is where it should be written, if that is decided already. */
export interface Wanted {
  /** Where to write the gradient; anywhere if `undefined`. */
  readonly into: Tensor | undefined;
}

/**
 * Vector-Jacobian product of an op: from the gradient of its output to those of its inputs.
 *
 * Gets one entry an input, `undefined` where nobody needs that gradient, and returns the gradients
 * in the same order. All inputs come in one call because one dispatch often gives two gradients.
 */
export type Vjp = (
  dy: Tensor,
  wanted: readonly (Wanted | undefined)[],
) => readonly (Tensor | undefined)[];

/** The gradients of a loss's mean over the rows of each network, in the order of its inputs. */
export type MeanGradients = () => readonly (Tensor | undefined)[];

interface Node {
  readonly inputs: readonly Tensor[];
  readonly vjp: Vjp;
  /** For losses: the gradients of the mean over the rows of each network, if known already. */
  readonly ofMean?: MeanGradients;
}

/** The tape: who made a tensor. Weak, so it forgets a step as soon as the step's tensors go. */
const nodes = new WeakMap<Tensor, Node>();

/**
 * Notes how a tensor was computed, so that {@link backward} can go back through it.
 *
 * @param y Output of an op.
 * @param inputs The tensors that it depends on.
 * @param vjp Its vector-Jacobian product.
 * @param ofMean For a loss of one element a row: the gradients of its mean, computed with it.
 * @returns `y`.
 */
export function differentiable(
  y: Tensor,
  inputs: readonly Tensor[],
  vjp: Vjp,
  ofMean?: MeanGradients,
): Tensor {
  nodes.set(y, { inputs, vjp, ofMean });
  return y;
}

/** Tensors on the way from the parameters to the loss, each after those it depends on. */
function topologicalOrder(loss: Tensor, parameters: ReadonlySet<Tensor>): Set<Tensor> {
  const order = new Set<Tensor>();
  const visited = new Set<Tensor>();
  const visit = (y: Tensor): boolean => {
    if (!visited.has(y)) {
      visited.add(y);
      const leads = (nodes.get(y)?.inputs ?? []).map(visit).includes(true);
      if (leads || parameters.has(y)) order.add(y);
    }
    return order.has(y);
  };
  visit(loss);
  return order;
}

/**
 * Computes the gradient of a loss in respect of parameters, by reverse-mode differentiation.
 *
 * @param loss Any tensor that depends on them; the scalar meant is its mean, or the sum of its
 *   elements weighted by `seed`.
 * @param parameters The tensors to differentiate by.
 * @param options `seed`: the gradient of the scalar in respect of `loss`, of its shape. `into`:
 *   where to write the gradient of a parameter, instead of into a new tensor.
 * @returns The gradient of every parameter, of its shape.
 * @throws {TypeError} If the loss does not depend on a parameter.
 * @throws {RangeError} If the seed has another shape than the loss.
 * @see Baydin et al. 2018, Automatic Differentiation in Machine Learning: a Survey, JMLR 18
 */
export function backward(
  loss: Tensor,
  parameters: readonly Tensor[],
  options: { readonly seed?: Tensor; readonly into?: ReadonlyMap<Tensor, Tensor> } = {},
): Map<Tensor, Tensor> {
  const { seed } = options;
  if (seed !== undefined && `${seed.shape}` !== `${loss.shape}`) {
    throw new RangeError(
      `Cannot differentiate: the seed must have the loss's shape ${
        formatShape(loss.shape)
      }: it is ` +
        formatShape(seed.shape),
    );
  }
  const order = topologicalOrder(loss, new Set(parameters));
  const uses = new Map<Tensor, number>();
  for (const y of order) {
    for (const x of nodes.get(y)?.inputs ?? []) uses.set(x, (uses.get(x) ?? 0) + 1);
  }
  const gradients = new Map<Tensor, Tensor>();
  for (const y of [...order].reverse()) {
    const node = nodes.get(y);
    if (node === undefined) continue;
    const isMean = y === loss && seed === undefined;
    const dy = y === loss ? seed : gradients.get(y);
    if (dy === undefined && !isMean) continue; // no op gave it a gradient
    // a tensor used once has its gradient written in place; a sum needs its parts first
    const wanted = node.inputs.map((x) =>
      order.has(x) ? { into: uses.get(x) === 1 ? options.into?.get(x) : undefined } : undefined
    );
    const parts = isMean && node.ofMean !== undefined
      ? node.ofMean()
      : node.vjp(dy ?? fill(y.device, y.shape, 1 / y.size), wanted);
    node.inputs.forEach((x, i) => {
      const part = parts[i];
      if (!order.has(x) || part === undefined) return;
      const before = gradients.get(x);
      gradients.set(x, before === undefined ? part : combine("add", before, part));
    });
  }
  return new Map(parameters.map((parameter) => {
    const gradient = gradients.get(parameter);
    if (gradient === undefined) {
      throw new TypeError(
        `Cannot differentiate: the loss must depend on every parameter: it does not on one of ` +
          `shape ${formatShape(parameter.shape)}`,
      );
    }
    // a gradient that is a sum was made elsewhere and moves to where it is wanted
    const target = options.into?.get(parameter);
    const isThere = target === undefined ||
      gradient.storage === target.storage && gradient.offset === target.offset;
    return [parameter, isThere ? gradient : affine(gradient, 1, 0, target)];
  }));
}
