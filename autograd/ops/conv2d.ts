import { formatShape, reshape, type Tensor } from "../../gpu/mod.ts";
import {
  conv2dForward,
  conv2dInputGradient,
  conv2dParams,
  conv2dWeightGradient,
} from "../../kernels/mod.ts";
import { isActivated, markActivated, markMasked } from "../relu_mask.ts";
import { differentiable } from "../tape.ts";
import { reluGradient } from "./relu.ts";

/** How a convolution moves over its input, and what follows its bias. */
export interface Conv2dOptions {
  /** Of both axes; 1 if left out. */
  readonly stride?: number;
  /** Zeros on all four sides; 0 if left out. */
  readonly padding?: number;
  /** Rectify the output in the same dispatch. */
  readonly relu?: boolean;
}

function checkShapes(x: Tensor, weight: Tensor, bias: Tensor): void {
  const [networks, outChannels, inChannels] = weight.shape;
  const fits = weight.shape.length === 5 && x.shape.length === 5 &&
    (x.shape[0] === 1 || x.shape[0] === networks) && x.shape[2] === inChannels &&
    bias.size === networks * outChannels;
  if (!fits) {
    throw new RangeError(
      "Cannot convolve: shapes must be x [networks or 1, rows, inChannels, height, width], weight " +
        "[networks, outChannels, inChannels, height, width], bias [networks, outChannels]: x is " +
        `${formatShape(x.shape)}, weight ${formatShape(weight.shape)}, bias ` +
        formatShape(bias.shape),
    );
  }
}

/**
 * Convolves the images of every network of a population with its own filters, as PyTorch's `conv2d`.
 *
 * @param x `[networks, rows, inChannels, height, width]`, or `[1, ...]` shared by all networks.
 * @param weight `[networks, outChannels, inChannels, kernelHeight, kernelWidth]`.
 * @param bias `[networks, outChannels]`.
 * @param options Stride, padding, and whether to rectify.
 * @returns `[networks, rows, outChannels, outHeight, outWidth]`.
 * @throws {RangeError} If the shapes do not fit.
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  options: Conv2dOptions = {},
): Tensor {
  checkShapes(x, weight, bias);
  const { stride, padding, relu = false } = options;
  const [networks, outChannels, inChannels, kernelHeight, kernelWidth] = weight.shape;
  const [copies, batch, , inHeight, inWidth] = x.shape;
  const params = conv2dParams({
    networks,
    sharedInput: copies === 1,
    batch,
    inChannels,
    inHeight,
    inWidth,
    outChannels,
    kernelHeight,
    kernelWidth,
    stride,
    padding,
  });
  const y = reshape(conv2dForward({ x, weight, bias }, params, { relu }), [
    networks,
    batch,
    outChannels,
    params.outHeight,
    params.outWidth,
  ]);
  if (relu) markActivated(y);

  return differentiable(y, [x, weight, bias], (gradient, [wantX, wantWeight, wantBias]) => {
    const dy = relu ? reluGradient(gradient, y) : gradient;
    let dx, dw, db: Tensor | undefined;
    if (wantWeight !== undefined || wantBias !== undefined) {
      const made = conv2dWeightGradient({ x, dy }, params, {
        ...wantWeight?.into && { dw: wantWeight.into },
        ...wantBias?.into && { db: wantBias.into },
      });
      dw = reshape(made.dw, weight.shape);
      db = reshape(made.db, bias.shape);
    }
    if (wantX !== undefined) {
      if (copies !== networks) {
        throw new TypeError("Cannot differentiate by inputs that several networks share");
      }
      const masked = isActivated(x);
      dx = reshape(
        conv2dInputGradient({ dy, weight, ...masked && { mask: x } }, params),
        x.shape,
      );
      if (masked) markMasked(dx, x);
    }
    return [dx, dw, db];
  });
}
