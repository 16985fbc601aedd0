import { formatShape, type Numbers, reshape, run, type Tensor } from "../../gpu/mod.ts";
import {
  chooseMaxPool,
  conv2dForward,
  conv2dForwardPooled,
  conv2dInputGradient,
  conv2dParams,
  conv2dWeightGradient,
  maxPoolKernels,
} from "../../kernels/mod.ts";
import { markActivated } from "../relu_mask.ts";
import { differentiable, type Wanted } from "../tape.ts";
import { reluGradient } from "./relu.ts";

/** How a convolution moves over its input, and what follows its bias. */
export interface Conv2dOptions {
  /** Of both axes; 1 if left out. */
  readonly stride?: number;
  /** Zeros on all four sides; 0 if left out. */
  readonly padding?: number;
  /** Convolutions side by side, each over its own share of the channels; 1 if left out. */
  readonly groups?: number;
  /** Rectify the output in the same dispatch. */
  readonly relu?: boolean;
}

function checkShapes(x: Tensor, weight: Tensor, bias: Tensor | undefined, groups: number): void {
  const [networks, outChannels, inChannels] = weight.shape;
  const fits = weight.shape.length === 5 && x.shape.length === 5 &&
    (x.shape[0] === 1 || x.shape[0] === networks) && x.shape[2] === inChannels * groups &&
    (bias === undefined || bias.size === networks * outChannels);
  if (!fits) {
    throw new RangeError(
      "Cannot convolve: shapes must be x [networks or 1, rows, inChannels, height, width], weight " +
        "[networks, outChannels, inChannels / groups, height, width], bias [networks, outChannels]: " +
        `x is ${formatShape(x.shape)}, weight ${formatShape(weight.shape)}, bias ` +
        `${bias === undefined ? "none" : formatShape(bias.shape)}, groups ${groups}`,
    );
  }
}

/** The params of a convolution, from the shapes of its tensors. */
function paramsOf(x: Tensor, weight: Tensor, { stride, padding, groups }: Conv2dOptions): Numbers {
  const [networks, outChannels, , kernelHeight, kernelWidth] = weight.shape;
  const [copies, batch, inChannels, inHeight, inWidth] = x.shape;
  return conv2dParams({
    networks,
    sharedInput: copies === 1,
    batch,
    groups,
    inChannels,
    inHeight,
    inWidth,
    outChannels,
    kernelHeight,
    kernelWidth,
    stride,
    padding,
  });
}

function inputsOf(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor[] {
  return bias === undefined ? [x, weight] : [x, weight, bias];
}

/** From the gradient of a convolution's output, ReLU undone, to those of its inputs. */
function gradients(
  dy: Tensor,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  params: Numbers,
  [wantX, wantWeight, wantBias]: readonly (Wanted | undefined)[],
): (Tensor | undefined)[] {
  let dx, dw, db: Tensor | undefined;
  if (wantWeight !== undefined || wantBias !== undefined) {
    const made = conv2dWeightGradient({ x, dy }, params, {
      ...wantWeight?.into && { dw: wantWeight.into },
      ...wantBias?.into && { db: wantBias.into },
    });
    dw = reshape(made.dw, weight.shape);
    if (bias !== undefined) db = reshape(made.db, bias.shape);
  }
  if (wantX !== undefined) {
    if (x.shape[0] !== params.networks) {
      throw new TypeError("Cannot differentiate by inputs that several networks share");
    }
    dx = reshape(conv2dInputGradient({ dy, weight }, params), x.shape);
  }
  return [dx, dw, db];
}

/**
 * Convolves the images of every network of a population with its own filters, as PyTorch's `conv2d`.
 *
 * @param x `[networks, rows, inChannels, height, width]`, or `[1, ...]` shared by all networks.
 * @param weight `[networks, outChannels, inChannels / groups, kernelHeight, kernelWidth]`.
 * @param bias `[networks, outChannels]`, or undefined for none.
 * @param options Stride, padding, groups, and whether to rectify.
 * @returns `[networks, rows, outChannels, outHeight, outWidth]`.
 * @throws {RangeError} If the shapes do not fit.
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  options: Conv2dOptions = {},
): Tensor {
  checkShapes(x, weight, bias, options.groups ?? 1);
  const { relu = false } = options;
  const params = paramsOf(x, weight, options);
  const { networks, batch, outChannels, outHeight, outWidth } = params;
  const y = reshape(
    conv2dForward({ x, weight, bias }, params, { relu }),
    [networks, batch, outChannels, outHeight, outWidth],
  );
  if (relu) markActivated(y);
  return differentiable(y, inputsOf(x, weight, bias), (gradient, wanted) => {
    const dy = relu ? reluGradient(gradient, y) : gradient;
    return gradients(dy, x, weight, bias, params, wanted);
  });
}

/**
 * Convolves, rectifies and pools over windows of 2 x 2: the block of most small networks, without its
 * large intermediate ever going to memory.
 *
 * @param x `[networks, rows, inChannels, height, width]`, or `[1, ...]` shared by all networks.
 * @param weight `[networks, outChannels, inChannels / groups, kernelHeight, kernelWidth]`.
 * @param bias `[networks, outChannels]`, or undefined for none.
 * @param options Stride, padding, groups, and whether to rectify.
 * @returns `[networks, rows, outChannels, floor(outHeight / 2), floor(outWidth / 2)]`.
 * @throws {RangeError} If the shapes do not fit, or the output is smaller than a window.
 */
export function conv2dPooled(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  options: Conv2dOptions = {},
): Tensor {
  checkShapes(x, weight, bias, options.groups ?? 1);
  const { relu = false } = options;
  const params = paramsOf(x, weight, options);
  const { networks, batch, outChannels } = params;
  const { pooled, argmax, poolParams } = conv2dForwardPooled({ x, weight, bias }, params, { relu });
  const y = reshape(
    pooled,
    [networks, batch, outChannels, poolParams.outHeight, poolParams.outWidth],
  );
  return differentiable(y, inputsOf(x, weight, bias), (dPooled, wanted) => {
    const { dx: dy } = run(
      maxPoolKernels.backward,
      { dy: dPooled, positions: argmax },
      poolParams,
      {
        constants: chooseMaxPool(poolParams),
      },
    );
    return gradients(dy, x, weight, bias, params, wanted);
  });
}
