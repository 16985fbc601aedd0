import { type Device, type Kernels, type Numbers, run, type Tensor } from "../../gpu/mod.ts";
import { maxPoolParams } from "../max_pool/max_pool.ts";
import { packConv2dKernels } from "./packing.ts";
import {
  inputGradientKernels,
  registerConv2dConstants,
  registerConv2dKernels,
} from "./register_tiled.ts";
import {
  splitWeightGradient,
  weightGradientConstants,
  weightGradientKernels,
} from "./weight_gradient.ts";

/** Kernels, constants and params that fit the shapes at hand. */
export interface ChosenConv2d {
  /** `forward` and `forwardPooled`, from `packed` weights. */
  readonly kernels: Kernels<"forward" | "forwardPooled">;
  /** `inputGradient` and `inputGradientMasked`, from `turned` weights. */
  readonly inputGradient: Kernels<"inputGradient" | "inputGradientMasked">;
  /** Lays weights out: `forward` gives `packed`, `inputGradient` gives `turned`. */
  readonly pack: Kernels<"forward" | "inputGradient">;
  /** `partial` sums of the weight gradient, and their `sum`. */
  readonly weightGradient: Kernels<"partial" | "sum">;
  /** Params of `weightGradient`. */
  readonly splitParams: Numbers;
  /** Constants of `kernels` and `inputGradient`. */
  readonly constants: Numbers;
  /** Constants of `weightGradient.partial`. */
  readonly partialConstants: Numbers;
}

/**
 * Chooses how to convolve on an adapter.
 *
 * On a processor a workgroup is one vector of lanes; a GPU wants a few of them in a workgroup, and
 * more partial sums to keep all its cores busy.
 *
 * @param device Where it will run.
 * @param params Params of the convolution, from `conv2dParams`.
 * @returns What `conv2dForward` and its two gradients dispatch, for programs that dispatch by hand.
 */
export function chooseConv2d(device: Device, params: Numbers): ChosenConv2d {
  const WORKGROUP_SIZE = device.isSoftware ? 8 : 64;
  return {
    kernels: registerConv2dKernels,
    inputGradient: inputGradientKernels,
    pack: packConv2dKernels,
    weightGradient: weightGradientKernels,
    splitParams: splitWeightGradient(params, device.isSoftware),
    constants: { ...registerConv2dConstants(params), WORKGROUP_SIZE },
    partialConstants: { ...weightGradientConstants(params), WORKGROUP_SIZE },
  };
}

/**
 * Convolves: `y = bias + x (*) weight`, as PyTorch's `conv2d` does.
 *
 * Packs the weights first: two dispatches.
 *
 * @param inputs `x` `[networks, batch, inChannels, inHeight, inWidth]`, without the first axis if
 *   shared, `weight` `[networks, outChannels, inChannels, kernelHeight, kernelWidth]` and `bias`
 *   `[networks, outChannels]`; shapes are not looked at, only lengths.
 * @param params From `conv2dParams`.
 * @param options `relu` clips the result at 0.
 * @returns `y`, `[networks, batch, outChannels, outHeight, outWidth]`, flat.
 * @throws {RangeError} If a tensor does not have the length that the params say.
 */
export function conv2dForward(
  { x, weight, bias }: { readonly x: Tensor; readonly weight: Tensor; readonly bias: Tensor },
  params: Numbers,
  { relu = false }: { readonly relu?: boolean } = {},
): Tensor {
  using scope = x.device.scope();
  const { kernels, pack, constants } = chooseConv2d(x.device, params);
  const { packed } = run(pack.forward, { weight }, params);
  const { y } = run(kernels.forward, { x, packed, bias }, params, {
    constants: { ...constants, RELU: relu ? 1 : 0 },
  });
  return scope.keep(y);
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
  { x, weight, bias }: { readonly x: Tensor; readonly weight: Tensor; readonly bias: Tensor },
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
  using scope = x.device.scope();
  const { kernels, pack, constants } = chooseConv2d(x.device, params);
  const { packed } = run(pack.forward, { weight }, params);
  const { pooled, argmax } = run(kernels.forwardPooled, { x, packed, bias }, params, {
    constants: { ...constants, RELU: relu ? 1 : 0 },
  });
  return { pooled: scope.keep(pooled), argmax: scope.keep(argmax), poolParams };
}

/**
 * Gives the gradient of a convolution to its input, optionally through the ReLU that made the input.
 *
 * Packs the weights first: two dispatches.
 *
 * @param inputs `dy` shaped as `y`, `weight`, and `mask`: the input `x` itself where it is the output
 *   of a ReLU; the gradient is 0 where it is not positive.
 * @param params From `conv2dParams`.
 * @returns `dx`, `[networks, batch, inChannels, inHeight, inWidth]`, flat; one a network even where
 *   they share `x`.
 * @throws {RangeError} If a tensor does not have the length that the params say.
 */
export function conv2dInputGradient(
  { dy, weight, mask }: { readonly dy: Tensor; readonly weight: Tensor; readonly mask?: Tensor },
  params: Numbers,
): Tensor {
  using scope = dy.device.scope();
  const { inputGradient, pack, constants } = chooseConv2d(dy.device, params);
  const { turned } = run(pack.inputGradient, { weight }, params);
  const { dx } = mask === undefined
    ? run(inputGradient.inputGradient, { dy, turned }, params, { constants })
    : run(inputGradient.inputGradientMasked, { dy, turned, mask }, params, { constants });
  return scope.keep(dx);
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
  const { weightGradient, splitParams, partialConstants } = chooseConv2d(x.device, params);
  const { partials } = run(weightGradient.partial, { x, dy }, splitParams, {
    constants: partialConstants,
  });
  const { dw, db } = run(weightGradient.sum, { parts: partials }, splitParams, {
    constants: { WORKGROUP_SIZE: 64 },
    into,
  });
  return { dw: scope.keep(dw), db: scope.keep(db) };
}
