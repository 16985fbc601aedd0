import { type Device, type Numbers, tensor } from "../gpu/mod.ts";
import { conv2dInputGradient, conv2dParams, conv2dWeightGradient } from "../kernels/mod.ts";
import { type OurWork, recordedWork } from "./our_side.ts";
import type { Inputs, Params } from "./peers/workloads.ts";

/**
 * Gives the convolution of a workload: 3 x 3, stride 1, padding 1.
 *
 * @param params `batch`, `inputChannels`, `outputChannels` and `size`.
 * @returns Params of our kernels.
 */
export function paddedConv2d({ batch, inputChannels, outputChannels, size }: Params): Numbers {
  return conv2dParams({
    batch,
    inChannels: inputChannels,
    inHeight: size,
    inWidth: size,
    outChannels: outputChannels,
    kernelHeight: 3,
    kernelWidth: 3,
    padding: 1,
  });
}

/**
 * Prepares the gradient of a convolution to its input; weights are packed in every repetition.
 *
 * @param device Where to run.
 * @param params `batch`, `inputChannels`, `outputChannels` and `size`.
 * @param inputs `w` and `dy`.
 * @returns The work; its output is `dx` [batch, inputChannels, size, size].
 */
export function prepareInputGradient(device: Device, params: Params, inputs: Inputs): OurWork {
  const weight = tensor(device, inputs.w.data);
  const dy = tensor(device, inputs.dy.data);
  const shape = paddedConv2d(params);
  return recordedWork(device, "dx", () => conv2dInputGradient({ dy, weight }, shape));
}

/**
 * Prepares the gradient of a convolution to its weights; that to the bias comes with it.
 *
 * @param device Where to run.
 * @param params `batch`, `inputChannels`, `outputChannels` and `size`.
 * @param inputs `x` and `dy`.
 * @returns The work; its output is `dw` [outputChannels, inputChannels, 3, 3].
 */
export function prepareWeightGradient(device: Device, params: Params, inputs: Inputs): OurWork {
  const x = tensor(device, inputs.x.data);
  const dy = tensor(device, inputs.dy.data);
  const shape = paddedConv2d(params);
  return recordedWork(device, "dw", () => conv2dWeightGradient({ x, dy }, shape).dw);
}
