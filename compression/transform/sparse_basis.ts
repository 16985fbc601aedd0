import { type Device, reshape, run, type Tensor, tensor } from "../../gpu/mod.ts";
import { type Details, permuteKernels, type Pyramid } from "../../kernels/mod.ts";
import { fixedPermutation, imagesOf, type Layout } from "./layout.ts";
import { decompose, reconstruct } from "./wavelet_transform.ts";
import type { SparsityStage } from "./wavelet_threshold.ts";

/** Sizes of a layer's weights, for one network. */
export interface WeightSize {
  readonly outputs: number;
  readonly inputs: number;
}

/** A basis in which weights are sparse. */
export interface SparseBasis {
  /** Weights `[networks, outputs, inputs]` to bands, each with its networks outermost. */
  readonly analyze: (weights: Tensor) => Tensor[];
  /** Bands to weights `[networks, outputs, inputs]`. */
  readonly synthesize: (bands: readonly Tensor[]) => Tensor;
}

/**
 * Lists the bands of a transform: the order that decides between equal coefficients.
 *
 * @param pyramid The transform.
 * @returns Approximation, then horizontal, vertical and diagonal details, coarsest level first.
 */
export function flattenPyramid<T>({ approximation, details }: Pyramid<T>): T[] {
  return [approximation, ...details.flatMap((d) => [d.horizontal, d.vertical, d.diagonal])];
}

/**
 * Puts bands together again.
 *
 * @param bands As {@link flattenPyramid} lists them.
 * @returns The transform.
 */
export function unflattenPyramid<T>([approximation, ...others]: readonly T[]): Pyramid<T> {
  const details: Details<T>[] = [];
  for (let i = 0; i < others.length; i += 3) {
    details.push({ horizontal: others[i], vertical: others[i + 1], diagonal: others[i + 2] });
  }
  return { approximation, details };
}

function permuteColumns(x: Tensor, order: Tensor): Tensor {
  const columns = order.size;
  const { y } = run(permuteKernels.gather, { x, order }, { rows: x.size / columns, columns });
  return reshape(y, x.shape);
}

/** The pixel orders of a layout on the GPU; absent where pixels stay in place. */
function pixelOrders(device: Device, layout: Layout, { inputs }: WeightSize) {
  if (layout.kind !== "permuted") return undefined;
  const { order, inverse } = fixedPermutation(inputs, layout.seed);
  return { order: tensor(device, order), inverse: tensor(device, inverse) };
}

/**
 * Makes the change of basis of a stage for weights of one size.
 *
 * @param device Where the weights are.
 * @param stage A wavelet transform, or magnitude pruning, whose basis is the weights themselves.
 * @param size Of the weights.
 * @returns Analysis and synthesis for any count of networks.
 * @throws {RangeError} If the layout does not fit the weights.
 */
export function sparseBasis(device: Device, stage: SparsityStage, size: WeightSize): SparseBasis {
  if (stage.kind === "magnitude_prune") {
    return { analyze: (weights) => [weights], synthesize: ([weights]) => weights };
  }
  const { layout } = stage;
  const { count, height, width } = imagesOf(layout, size.outputs, size.inputs);
  const orders = pixelOrders(device, layout, size);
  return {
    analyze(weights) {
      const placed = orders === undefined ? weights : permuteColumns(weights, orders.order);
      const images = reshape(placed, [weights.shape[0] * count, height, width]);
      return flattenPyramid(decompose(images, stage));
    },
    synthesize(bands) {
      const images = reconstruct(unflattenPyramid(bands), { height, width }, stage);
      const shape = [images.shape[0] / count, size.outputs, size.inputs];
      const placed = reshape(images, shape);
      return orders === undefined ? placed : permuteColumns(placed, orders.inverse);
    },
  };
}
