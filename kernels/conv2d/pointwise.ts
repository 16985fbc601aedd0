import { type Numbers, run, type Tensor } from "../../gpu/mod.ts";
import { chooseMatmul } from "../matmul/matmul.ts";
import { matmulParams } from "../matmul/spec.ts";
import { planes } from "./spec.ts";

/**
 * Tells whether a convolution is a product of matrices an image: a kernel of 1 x 1 that visits every
 * pixel, in one group.
 *
 * @param p Params of the convolution.
 * @returns False for populations too: images are the batch of the product, and share its weights.
 */
export function isPointwise(p: Numbers): boolean {
  return [p.networks, p.groups, p.kernelHeight, p.kernelWidth, p.stride].every((n) => n === 1) &&
    p.padding === 0;
}

/**
 * Convolves with a kernel of 1 x 1: `y[n] = weight x[n] + bias`.
 *
 * @param inputs `x` `[batch, inChannels, pixels]`, `weight` `[outChannels, inChannels]`, `bias`
 *   `[outChannels]`.
 * @param p Params of a convolution for which {@link isPointwise} is true.
 * @param relu Whether to clip the result at 0; it takes a bias.
 * @returns `[batch, outChannels, pixels]`, flat.
 */
export function pointwiseForward(
  { x, weight, bias }: { readonly x: Tensor; readonly weight: Tensor; readonly bias?: Tensor },
  p: Numbers,
  relu: boolean,
): Tensor {
  const product = matmulParams(p.batch, p.outChannels, planes(p).inPlane, p.inChannels, {
    a: true,
  });
  if (bias === undefined) {
    const { kernels, constants } = chooseMatmul(x.device, product, "nn");
    return run(kernels.nn, { a: weight, b: x }, product, { constants }).c;
  }
  const { kernels, constants } = chooseMatmul(x.device, product, "nnRowBias");
  return run(kernels.nnRowBias, { a: weight, b: x, rowBias: bias }, product, {
    constants: { ...constants, RELU: relu ? 1 : 0 },
  }).c;
}

/**
 * Gives the gradient to the input: `dx[n] = weight^T dy[n]`.
 *
 * @param inputs `dy` `[batch, outChannels, pixels]` and `weight`.
 * @param p Params of a convolution for which {@link isPointwise} is true.
 * @returns `[batch, inChannels, pixels]`, flat.
 */
export function pointwiseInputGradient(
  { dy, weight }: { readonly dy: Tensor; readonly weight: Tensor },
  p: Numbers,
): Tensor {
  const product = matmulParams(p.batch, p.inChannels, planes(p).inPlane, p.outChannels, {
    a: true,
  });
  const { kernels, constants } = chooseMatmul(dy.device, product, "tn");
  return run(kernels.tn, { a: weight, b: dy }, product, { constants }).c;
}
