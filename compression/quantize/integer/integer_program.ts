import { type Device, reshape, run, type Tensor, tensor } from "../../../gpu/mod.ts";
import {
  chooseIntegerLinear,
  conv2dParams,
  integerConv2dKernels,
  integerLinearKernels,
  integerLinearParams,
  integerMaxPoolKernels,
  integerPlaneSumKernels,
  integerRescaleKernels,
  integerRescaleParams,
  integerShortcutKernels,
  integerShortcutParams,
  maxPoolParams,
} from "../../../kernels/mod.ts";
import type { AffineGrid } from "../affine.ts";
import type { IntegerLayer } from "./integer_layer.ts";
import type { IntegerNetwork, IntegerStep } from "./integer_network.ts";
import type { IntegerShortcut } from "./integer_shortcut.ts";
import type { Requantization, RequantizationKind, Rescaling } from "./requantization.ts";
import { withIntegers } from "./with_integers.ts";

/** How an integer network is run. */
export interface IntegerForwardOptions {
  /** How accumulators become codes; by a fixed-point multiplier if left out. */
  readonly requantization?: RequantizationKind;
  /**
   * Sees the codes that a layer computes with.
   *
   * @param layer Its name.
   * @param codes `i32 [1, rows, ...]`.
   */
  readonly layerInput?: (layer: string, codes: Tensor) => void;
}

/** An integer network on the GPU. */
export interface IntegerProgram {
  /** What it computes. */
  readonly network: IntegerNetwork;
  /**
   * Computes logits.
   *
   * @param x Images as floats, `[1, rows, ...]`.
   * @returns Logits `[1, rows, classes]`.
   * @throws {RangeError} If a mean is not over all positions, or a shortcut has other sizes than what it is
   *   added to.
   */
  forward(x: Tensor, options?: IntegerForwardOptions): Tensor;
}

type Tensors = Readonly<Record<string, Tensor>>;

/** The numbers of a grid as the integer rescale kernels bind them. */
function uploadGrid(
  device: Device,
  { zeroPoint, qMin, qMax }: Pick<AffineGrid, "zeroPoint" | "qMin" | "qMax">,
): Tensors {
  const one = (value: number) => tensor(device, new Int32Array([value]));
  return { zeroPoint: one(zeroPoint), qMin: one(qMin), qMax: one(qMax) };
}

function uploadRescaling(device: Device, { multipliers, fixedPoints }: Rescaling): Tensors {
  return {
    multiplier: tensor(device, multipliers),
    mantissa: tensor(device, Int32Array.from(fixedPoints, ({ mantissa }) => mantissa)),
    shift: tensor(device, Int32Array.from(fixedPoints, ({ shift }) => shift)),
  };
}

function uploadRequantization(device: Device, to: Requantization): Tensors {
  return { ...uploadGrid(device, to), ...uploadRescaling(device, to) };
}

function uploadShortcut(device: Device, shortcut: IntegerShortcut): Tensors {
  const xZero = tensor(device, new Int32Array([shortcut.grid.zeroPoint]));
  return { xZero, ...uploadRescaling(device, shortcut) };
}

function uploadLayer(device: Device, { weight, bias, inputGrid }: IntegerLayer): Tensors {
  return {
    weight: tensor(device, weight.codes),
    weightZero: tensor(device, weight.zeroPoints),
    bias: tensor(device, bias),
    xZero: tensor(device, new Int32Array([inputGrid.zeroPoint])),
  };
}

/** The accumulators of a layer. */
function accumulate(x: Tensor, layer: IntegerLayer, tensors: Tensors): Tensor {
  const rows = x.shape[1];
  const [outputs, inputs, kernelHeight, kernelWidth] = layer.weight.shape;
  if (layer.convolution === undefined) {
    const params = integerLinearParams({ rows, inputs, outputs });
    const constants = chooseIntegerLinear(params);
    const { y } = run(integerLinearKernels.forward, { x, ...tensors }, params, { constants });
    return reshape(y, [1, rows, outputs]);
  }
  const [, , inChannels, inHeight, inWidth] = x.shape;
  const sizes = { inChannels, inHeight, inWidth, outChannels: outputs, kernelHeight, kernelWidth };
  const params = conv2dParams({ batch: rows, ...sizes, ...layer.convolution });
  const { y } = run(integerConv2dKernels.forward, { x, ...tensors }, params);
  return reshape(y, [1, rows, outputs, params.outHeight, params.outWidth]);
}

/** Adds the codes of an earlier layer's input, in units of the accumulators. */
function addShortcut(
  accumulators: Tensor,
  codes: Tensor,
  { xZero, ...tensors }: Tensors,
  kind: RequantizationKind,
  layer: string,
): Tensor {
  const [, images, inChannels, inHeight, inWidth] = codes.shape;
  const [, , outChannels, outHeight, outWidth] = accumulators.shape;
  const shape = { images, inChannels, inHeight, inWidth, outChannels };
  const params = integerShortcutParams(shape);
  if (params.outHeight !== outHeight || params.outWidth !== outWidth) {
    throw new RangeError(
      `Cannot ${withIntegers(layer)}: its shortcut must give as many rows and columns as it has, ` +
        `${outHeight} x ${outWidth}: it gives ${params.outHeight} x ${params.outWidth}`,
    );
  }
  const { y } = run(integerShortcutKernels.forward, { x: codes, xZero }, params);
  const kernel = integerRescaleKernels[kind === "float" ? "addByFloat" : "addByFixedPoint"];
  const { sum } = run(kernel, { a: accumulators, b: y, ...tensors }, paramsOf(accumulators));
  return reshape(sum, accumulators.shape);
}

function pool(x: Tensor, size: number): Tensor {
  const [networks, rows, channels, inHeight, inWidth] = x.shape;
  const planes = networks * rows * channels;
  const params = maxPoolParams({ planes, inHeight, inWidth, size });
  const { y } = run(integerMaxPoolKernels.forward, { x }, params);
  return reshape(y, [networks, rows, channels, params.outHeight, params.outWidth]);
}

/** Sums over all positions, `[1, rows, channels]`. */
function sumPositions(x: Tensor, rectified: boolean, layer: string, positions: number): Tensor {
  const [networks, rows, channels, height, width] = x.shape;
  if (height * width !== positions) {
    throw new RangeError(
      `Cannot ${
        withIntegers(layer)
      }: the mean must be of all positions, ${height} x ${width}: it ` +
        `is of ${positions}`,
    );
  }
  const params = { planes: networks * rows * channels, size: positions, rectified: +rectified };
  const { y } = run(integerPlaneSumKernels.forward, { x }, params);
  return reshape(y, [networks, rows, channels]);
}

/** Pools accumulators where the model pools: of the largest the order does not matter, and fewer do. */
function pooled(
  accumulators: Tensor,
  { layer, relu, maxPool, globalAverage }: IntegerLayer,
): Tensor {
  const largest = maxPool === undefined ? accumulators : pool(accumulators, maxPool);
  if (globalAverage === undefined) return largest;
  return sumPositions(largest, relu, layer, globalAverage);
}

/** What the integer rescale kernels take for accumulators `[1, rows, channels, ...]`. */
function paramsOf(accumulators: Tensor) {
  const [, rows, channels] = accumulators.shape;
  return integerRescaleParams({ rows, channels, inner: accumulators.size / (rows * channels) });
}

/** The next layer's codes. */
function toCodes(accumulators: Tensor, tensors: Tensors, kind: RequantizationKind): Tensor {
  const kernel = integerRescaleKernels[kind === "float" ? "byFloat" : "byFixedPoint"];
  const { q } = run(kernel, { a: accumulators, ...tensors }, paramsOf(accumulators));
  return reshape(q, accumulators.shape);
}

/**
 * Puts an integer network on a device.
 *
 * @param device Where.
 * @param network The network.
 * @returns What runs it; its tensors belong to the open scope.
 */
export function integerProgram(device: Device, network: IntegerNetwork): IntegerProgram {
  const inputGrid = {
    ...uploadGrid(device, network.inputGrid),
    inverseScale: tensor(device, new Float32Array([network.inputGrid.inverseScale])),
  };
  const steps = network.steps.map(({ layer, requantization }: IntegerStep) => ({
    layer,
    tensors: uploadLayer(device, layer),
    shortcut: layer.shortcut && uploadShortcut(device, layer.shortcut),
    requantization: requantization && uploadRequantization(device, requantization),
    scale: tensor(device, Float32Array.from(layer.accumulatorScales)),
  }));
  return {
    network,
    forward(x: Tensor, options: IntegerForwardOptions = {}): Tensor {
      const { requantization: kind = "fixedPoint" } = options;
      const rows = x.shape[1];
      const inner = x.size / rows;
      const entered = run(
        integerRescaleKernels.quantize,
        { x, ...inputGrid },
        integerRescaleParams({ rows, inner }),
      );
      let codes = reshape(entered.q, [1, rows, ...network.inputShape]);
      const inputs: Record<string, Tensor> = {};
      for (const { layer, tensors, shortcut, requantization, scale } of steps) {
        options.layerInput?.(layer.layer, codes);
        inputs[layer.layer] = codes;
        let accumulators = accumulate(codes, layer, tensors);
        if (layer.shortcut && shortcut) {
          const from = inputs[layer.shortcut.from];
          accumulators = addShortcut(accumulators, from, shortcut, kind, layer.layer);
        }
        accumulators = pooled(accumulators, layer);
        if (requantization === undefined) {
          const { y } = run(
            integerRescaleKernels.dequantize,
            { a: accumulators, scale },
            paramsOf(accumulators),
          );
          return reshape(y, accumulators.shape);
        }
        codes = toCodes(accumulators, requantization, kind);
      }
      throw new TypeError("Cannot run an integer network: its last layer must give logits");
    },
  };
}
