import type { AffineGrid } from "../affine.ts";
import type { QuantizedWeight } from "../quantized_weight.ts";
import { accumulatorBound, checkAccumulators } from "./accumulator_bound.ts";
import { scaleIdleOutputs } from "./idle_outputs.ts";
import {
  type IntegerShortcut,
  integerShortcut,
  type IntegerShortcutSource,
} from "./integer_shortcut.ts";
import { type IntegerWeight, integerWeight } from "./integer_weight.ts";
import { quantizeBias } from "./quantize_bias.ts";
import { withIntegers } from "./with_integers.ts";

/** How a convolution moves over its input. */
export interface IntegerConvolution {
  /** Of both axes. */
  readonly stride: number;
  /** Codes for 0 on all four sides. */
  readonly padding: number;
  /** Convolutions side by side, each over its own share of the channels. */
  readonly groups: number;
}

/** A quantized layer, before it becomes integers only. */
export interface IntegerLayerSource {
  /** Such as `fc1`. */
  readonly layer: string;
  /** Codes and grids, one grid a tensor or an output. */
  readonly weight: QuantizedWeight;
  /** `[outputs]`, float32. */
  readonly bias: Float32Array;
  /** Of the layer's input. */
  readonly inputGrid: AffineGrid;
  /** What is added to the output of a convolution; nothing if left out. */
  readonly shortcut?: IntegerShortcutSource;
  /** Whether a ReLU follows. */
  readonly relu: boolean;
  /** Side and distance of the windows of the max pooling that follows; none if left out. */
  readonly maxPool?: number;
  /** Positions of a channel of which the mean is taken at last, all there are; not taken if left out. */
  readonly globalAverage?: number;
  /** Of a convolution; a linear layer has none. */
  readonly convolution?: IntegerConvolution;
}

/** A layer that sees codes and gives int32 accumulators, in units of s_x s_w. */
export interface IntegerLayer extends Omit<IntegerLayerSource, "weight" | "bias" | "shortcut"> {
  /** Codes, zero points and scales. */
  readonly weight: IntegerWeight;
  /** `[outputs]`: bias_q. */
  readonly bias: Int32Array<ArrayBuffer>;
  /** `[outputs]`: the unit of each output's accumulators, s_x s_w, exact in float64. */
  readonly accumulatorScales: Float64Array<ArrayBuffer>;
  /** What is added to them. */
  readonly shortcut?: IntegerShortcut;
}

/**
 * Turns a quantized layer into one of integers only.
 *
 * @param source Weight, bias, grid of the input and what follows.
 * @returns The layer.
 * @throws {RangeError} If weights of an output do not share a grid or have levels without a common step, a
 *   bias is not finite, a shortcut or mean follows no convolution or cannot be rescaled, or an accumulator
 *   might leave an int32; with the layer's name.
 */
export function integerLayer(source: IntegerLayerSource): IntegerLayer {
  const { layer, inputGrid } = source;
  const given = integerWeight(source.weight, layer);
  if (source.bias.length !== given.shape[0]) {
    throw new RangeError(
      `Cannot ${withIntegers(layer)}: it must have a bias for each of its ` +
        `${given.shape[0]} outputs: there are ${source.bias.length}`,
    );
  }
  const { shortcut: around, globalAverage, convolution } = source;
  if (convolution === undefined && (around !== undefined || globalAverage !== undefined)) {
    throw new RangeError(
      `Cannot ${
        withIntegers(layer)
      }: a shortcut or a mean over positions must follow a convolution: ` +
        "it is linear",
    );
  }
  const weight = scaleIdleOutputs(given, source);
  const bias = quantizeBias(source.bias, inputGrid.scale, weight.scales, layer);
  const accumulatorScales = Float64Array.from(weight.scales, (scale) => scale * inputGrid.scale);
  const shortcut = around && integerShortcut(around, accumulatorScales, layer);
  checkAccumulators(layer, accumulatorBound(weight, bias, inputGrid, { shortcut, globalAverage }));
  return { ...source, weight, bias, accumulatorScales, shortcut };
}
