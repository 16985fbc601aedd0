import { type Device, run, type Tensor, tensor, zeros } from "../gpu/mod.ts";
import { channelMode, chooseMatmul, conv2dForward, fakeQuantizeKernels } from "../kernels/mod.ts";
import { matmulParams } from "../kernels/matmul/spec.ts";
import { type OurWork, recordedWork } from "./our_side.ts";
import { paddedConv2d } from "./our_gradients.ts";
import type { Inputs, Params } from "./peers/workloads.ts";

/**
 * Prepares `y = a b`.
 *
 * @param device Where to run.
 * @param params `m`, `n` and `k`.
 * @param inputs `a` [m, k] and `b` [k, n].
 * @returns The work; its output is `y` [m, n].
 */
export function prepareMatmul(device: Device, { m, n, k }: Params, inputs: Inputs): OurWork {
  const a = tensor(device, inputs.a.data);
  const b = tensor(device, inputs.b.data);
  const params = matmulParams(1, m, n, k);
  const { kernels, constants } = chooseMatmul(device, params, "nn");
  return recordedWork(device, "y", () => run(kernels.nn, { a, b }, params, { constants }).c);
}

/**
 * Prepares a convolution of 3 x 3 with padding 1; weights are packed in every repetition.
 *
 * @param device Where to run.
 * @param params `batch`, `inputChannels`, `outputChannels` and `size`.
 * @param inputs `x` and `w`.
 * @returns The work; its output is `y` [batch, outputChannels, size, size].
 */
export function prepareConv2d(device: Device, params: Params, inputs: Inputs): OurWork {
  const x = tensor(device, inputs.x.data);
  const weight = tensor(device, inputs.w.data);
  const bias = zeros(device, [params.outputChannels]);
  const shape = paddedConv2d(params);
  return recordedWork(device, "y", () => conv2dForward({ x, weight, bias }, shape));
}

/**
 * Prepares fake-quantization with one scale and zero point.
 *
 * @param device Where to run.
 * @param params `size` and the numbers of the grid.
 * @param inputs `x`.
 * @returns The work; its output is `y` [size].
 */
export function prepareFakeQuantize(device: Device, params: Params, inputs: Inputs): OurWork {
  const { size } = params;
  const x = tensor(device, inputs.x.data);
  const number = (value: number): Tensor => tensor(device, new Float32Array([value]));
  const grid = {
    scale: number(params.scale),
    inverseScale: number(params.inverseScale),
    zeroPoint: number(params.zeroPoint),
    qMin: number(params.qMin),
    qMax: number(params.qMax),
  };
  return recordedWork(
    device,
    "y",
    () =>
      run(fakeQuantizeKernels.forward, { x, ...grid }, {
        size,
        channels: 1,
        inner: size,
        xSize: size,
      }, { constants: { CHANNELS: channelMode(1, size) } }).y,
  );
}
