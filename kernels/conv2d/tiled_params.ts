import type { Numbers, ScalarType } from "../../gpu/mod.ts";
import { CONV2D_SIZES } from "./spec.ts";

/**
 * Fields of `struct Params` of register_tiled.wgsl: a convolution in its general form.
 *
 * `inChannels` and `outChannels` are those of one group, and an output reads its source where
 * `iy spread = oy stride + ky - rowPadding`, columns likewise.
 */
export const TILED_PARAMS: Readonly<Record<string, ScalarType>> = {
  networks: "u32",
  sourceStride: "u32",
  ...CONV2D_SIZES,
  spread: "u32",
  rowPadding: "u32",
  columnPadding: "u32",
};

/**
 * Gives the params with which `registerConv2dKernels` computes y from x.
 *
 * @param p Params of the convolution, from `conv2dParams`.
 * @returns Fields of {@link TILED_PARAMS}.
 */
export function forwardParams(p: Numbers): Numbers {
  const { padding, xStride, ...rest } = p;
  return {
    ...rest,
    sourceStride: xStride,
    inChannels: p.inChannels / p.groups,
    outChannels: p.outChannels / p.groups,
    spread: 1,
    rowPadding: padding,
    columnPadding: padding,
  };
}

/**
 * Gives the params with which `registerConv2dKernels` computes dx from dy and the turned weights.
 *
 * @param p Params of the convolution, from `conv2dParams`.
 * @returns Fields of {@link TILED_PARAMS}; a padding may be below 0, modulo 2^32.
 */
export function inputGradientParams(p: Numbers): Numbers {
  return {
    networks: p.networks,
    sourceStride: p.networks === 1 ? 0 : p.batch * p.outChannels * p.outHeight * p.outWidth,
    batch: p.batch,
    groups: p.groups,
    inChannels: p.outChannels / p.groups,
    inHeight: p.outHeight,
    inWidth: p.outWidth,
    outChannels: p.inChannels / p.groups,
    outHeight: p.inHeight,
    outWidth: p.inWidth,
    kernelHeight: p.kernelHeight,
    kernelWidth: p.kernelWidth,
    stride: 1,
    spread: p.stride,
    rowPadding: (p.kernelHeight - 1 - p.padding) >>> 0,
    columnPadding: (p.kernelWidth - 1 - p.padding) >>> 0,
  };
}

/**
 * Counts the elements of the tensors of a convolution in its general form.
 *
 * @param t Fields of {@link TILED_PARAMS}.
 * @returns Elements by name; `weight` is the logical tensor
 *   `[networks, groups outChannels, inChannels, kernelHeight, kernelWidth]`.
 */
export function tiledLengths(t: Numbers): Numbers {
  const source = t.batch * t.groups * t.inChannels * t.inHeight * t.inWidth;
  const planes = t.networks * t.batch * t.groups * t.outChannels;
  const pooled = planes * Math.floor(t.outHeight / 2) * Math.floor(t.outWidth / 2);
  const bias = t.networks * t.groups * t.outChannels;
  return {
    source: (t.networks - 1) * t.sourceStride + source,
    result: planes * t.outHeight * t.outWidth,
    odd: planes * t.outHeight * t.outWidth,
    pooled,
    argmax: pooled,
    bias,
    weight: bias * t.inChannels * t.kernelHeight * t.kernelWidth,
  };
}
