import { type Device, type Numbers, run, type Tensor } from "../../gpu/mod.ts";
import { maxPoolParams } from "../max_pool/max_pool.ts";
import { packConv2dKernels, packParams } from "./packing.ts";
import { isPointwise, pointwiseForward, pointwiseInputGradient } from "./pointwise.ts";
import { registerConv2dConstants, registerConv2dKernels } from "./register_tiled.ts";
import { forwardParams, inputGradientParams } from "./tiled_params.ts";
import { chooseWeightGradient, weightGradientKernels } from "./weight_gradient.ts";

/** On a processor a workgroup is one vector of lanes; a GPU wants a few of them in a workgroup. */
function workgroupSize(device: Device): number {
  return device.isSoftware ? 8 : 64;
}

/** Convolves what `packConv2dKernels` laid out. */
function convolve(source: Tensor, weights: Tensor, params: Numbers, relu: boolean): Tensor {
  const constants = {
    ...registerConv2dConstants(params),
    RELU: relu ? 1 : 0,
    WORKGROUP_SIZE: workgroupSize(source.device),
  };
  const operands = { source, weights };
  return params.outWidth % 2 === 0
    ? run(registerConv2dKernels.forward, operands, params, { constants }).result
    : run(registerConv2dKernels.forwardOdd, operands, params, { constants }).odd;
}

/** What a convolution reads: its input, its weights and, if it has one, its bias. */
export interface Conv2dInputs {
  /** `[networks, batch, inChannels, inHeight, inWidth]`, without the first axis if shared. */
  readonly x: Tensor;
  /** `[networks, outChannels, inChannels / groups, kernelHeight, kernelWidth]`. */
  readonly weight: Tensor;
  /** `[networks, outChannels]`; zeros if left out. */
  readonly bias?: Tensor;
}

function pack({ weight, bias }: Conv2dInputs, params: Numbers): Tensor {
  return bias === undefined
    ? run(packConv2dKernels.forward, { weight }, params).packed
    : run(packConv2dKernels.forwardBias, { weight, bias }, params).packed;
}

/**
 * Convolves: `y = bias + x (*) weight`, as PyTorch's `conv2d` does.
 *
 * Packs the weights first: two dispatches. A kernel of 1 x 1 is a product of matrices: one.
 *
 * @param inputs Shapes are not looked at, only lengths.
 * @param params From `conv2dParams`.
 * @param options `relu` clips the result at 0.
 * @returns `y`, `[networks, batch, outChannels, outHeight, outWidth]`, flat.
 * @throws {RangeError} If a tensor does not have the length that the params say.
 */
export function conv2dForward(
  inputs: Conv2dInputs,
  params: Numbers,
  { relu = false }: { readonly relu?: boolean } = {},
): Tensor {
  // the product rectifies only where it adds a bias
  if (isPointwise(params) && (inputs.bias !== undefined || !relu)) {
    return pointwiseForward(inputs, params, relu);
  }
  using scope = inputs.x.device.scope();
  const tiled = forwardParams(params);
  return scope.keep(convolve(inputs.x, pack(inputs, packParams(tiled)), tiled, relu));
}

/** What a convolution with pooling gives. */
export interface PooledConvolution {
  /** `[networks, batch, outChannels, floor(outHeight / 2), floor(outWidth / 2)]`, flat. */
  readonly pooled: Tensor;
  /** Where each of them stands in its plane: `positions` of `maxPoolKernels.backward`. */
  readonly argmax: Tensor;
  /** Params of `maxPoolKernels.backward`. */
  readonly poolParams: Numbers;
}

/**
 * Convolves and pools over windows of 2 x 2 in one kernel: the block of most small networks.
 *
 * The output of the convolution never goes to memory. Backward, `maxPoolKernels.backward` turns the
 * gradient of `pooled` into that of the convolution, the ReLU included.
 *
 * @param inputs As of `conv2dForward`.
 * @param params From `conv2dParams`.
 * @param options `relu` clips the result at 0, and lets no gradient through there.
 * @returns The maxima, where they stand, and the params of their pooling.
 * @throws {RangeError} If a tensor does not have the length that the params say, or the output is
 *   smaller than a window.
 */
export function conv2dForwardPooled(
  inputs: Conv2dInputs,
  params: Numbers,
  { relu = false }: { readonly relu?: boolean } = {},
): PooledConvolution {
  const { networks, batch, outChannels, outHeight, outWidth } = params;
  const poolParams = maxPoolParams({
    planes: networks * batch * outChannels,
    inHeight: outHeight,
    inWidth: outWidth,
    size: 2,
  });
  const { device } = inputs.x;
  using scope = device.scope();
  const tiled = forwardParams(params);
  const operands = { source: inputs.x, weights: pack(inputs, packParams(tiled)) };
  const { pooled, argmax } = run(registerConv2dKernels.forwardPooled, operands, tiled, {
    constants: {
      ...registerConv2dConstants(tiled),
      RELU: relu ? 1 : 0,
      WORKGROUP_SIZE: workgroupSize(device),
    },
  });
  return { pooled: scope.keep(pooled), argmax: scope.keep(argmax), poolParams };
}

/**
 * Gives the gradient of a convolution to its input: dy convolved with the turned weights.
 *
 * Packs the weights first: two dispatches; one for a kernel of 1 x 1.
 *
 * @param inputs `dy` shaped as `y`, and `weight`.
 * @param params From `conv2dParams`.
 * @returns `dx`, `[networks, batch, inChannels, inHeight, inWidth]`, flat; one a network even where
 *   they share `x`.
 * @throws {RangeError} If a tensor does not have the length that the params say.
 */
export function conv2dInputGradient(
  { dy, weight }: { readonly dy: Tensor; readonly weight: Tensor },
  params: Numbers,
): Tensor {
  if (isPointwise(params)) return pointwiseInputGradient({ dy, weight }, params);
  using scope = dy.device.scope();
  const tiled = inputGradientParams(params);
  const { packed } = run(packConv2dKernels.inputGradient, { weight }, packParams(tiled));
  return scope.keep(convolve(dy, packed, tiled, false));
}

/**
 * Gives the gradients of a convolution to its weights and its bias.
 *
 * Partial sums and their sum in a fixed order: two dispatches, the same bits every time.
 *
 * @param inputs `x` and `dy`, as in the other two.
 * @param params From `conv2dParams`.
 * @param into Where to write `dw` and `db`; new tensors if left out.
 * @returns `dw` and `db`, shaped as `weight` and `bias`, flat.
 * @throws {RangeError} If a tensor does not have the length that the params say.
 */
export function conv2dWeightGradient(
  { x, dy }: { readonly x: Tensor; readonly dy: Tensor },
  params: Numbers,
  into: Readonly<Record<string, Tensor>> = {},
): { readonly dw: Tensor; readonly db: Tensor } {
  using scope = x.device.scope();
  const chosen = chooseWeightGradient(x.device.isSoftware, params);
  const { partials } = run(chosen.kernels.partial, { x, dy }, chosen.params, {
    constants: { ...chosen.constants, WORKGROUP_SIZE: workgroupSize(x.device) },
  });
  const { dw, db } = run(weightGradientKernels.sum, { parts: partials }, chosen.params, {
    constants: { WORKGROUP_SIZE: 64 },
    into,
  });
  return { dw: scope.keep(dw), db: scope.keep(db) };
}
