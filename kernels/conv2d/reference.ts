import type { Numbers, ReferenceInputs } from "../../gpu/mod.ts";
import { conv2dLengths } from "./spec.ts";
import { forwardParams, tiledLengths } from "./tiled_params.ts";

/** A product `result[to] += source[from] * weight[tap]` of a convolution. */
type Product = (to: number, from: number, tap: number) => void;

/** Calls back for every product of a convolution in its general form. */
function eachProduct(t: Numbers, product: Product): void {
  const { rowPadding, columnPadding, spread, stride } = t;
  const planes = t.networks * t.batch * t.groups * t.outChannels;
  for (let plane = 0; plane < planes; plane++) {
    const channel = plane % (t.groups * t.outChannels);
    const image = Math.floor(plane / (t.groups * t.outChannels));
    const network = Math.floor(image / t.batch);
    const group = Math.floor(channel / t.outChannels);
    for (let k = 0; k < t.inChannels; k++) {
      const source = network * t.sourceStride +
        ((image % t.batch * t.groups + group) * t.inChannels + k) * t.inHeight * t.inWidth;
      const tap = ((network * t.groups * t.outChannels + channel) * t.inChannels + k) *
        t.kernelHeight;
      for (let oy = 0; oy < t.outHeight; oy++) {
        for (let ky = 0; ky < t.kernelHeight; ky++) {
          const row = oy * stride + ky - (rowPadding | 0);
          if (row < 0 || row % spread !== 0 || row >= t.inHeight * spread) continue;
          for (let ox = 0; ox < t.outWidth; ox++) {
            const to = (plane * t.outHeight + oy) * t.outWidth + ox;
            for (let kx = 0; kx < t.kernelWidth; kx++) {
              const column = ox * stride + kx - (columnPadding | 0);
              if (column < 0 || column % spread !== 0 || column >= t.inWidth * spread) continue;
              const from = source + row / spread * t.inWidth + column / spread;
              product(to, from, (tap + ky) * t.kernelWidth + kx);
            }
          }
        }
      }
    }
  }
}

/**
 * Convolves in float64, in the general form of register_tiled.wgsl.
 *
 * @param inputs `source`, `weight` as a logical tensor, and `bias`.
 * @param t Fields of `TILED_PARAMS`.
 * @returns The output, before any ReLU.
 */
export function tiledReference(
  { source, weight, bias }: ReferenceInputs,
  t: Numbers,
): Float64Array {
  const result = new Float64Array(tiledLengths(t).result);
  const plane = t.outHeight * t.outWidth;
  const channels = t.groups * t.outChannels;
  for (let i = 0; i < result.length; i++) {
    const at = Math.floor(i / plane);
    result[i] = bias[Math.floor(at / (t.batch * channels)) * channels + at % channels];
  }
  eachProduct(t, (to, from, tap) => result[to] += source[from] * weight[tap]);
  return result;
}

/** Clips at 0 if RELU is 1. */
export function rectified(y: Float64Array, { RELU }: Numbers): Float64Array {
  return RELU === 1 ? y.map((value) => Math.max(value, 0)) : y;
}

/**
 * Convolves in float64, and gives the gradients of it.
 *
 * @param inputs `x`, `weight` and `bias` for the output, `dy` too for the gradients.
 * @param p Params of the convolution.
 * @param constants RELU = 1 clips the output at 0.
 * @param entry Which of the products is wanted.
 * @returns The outputs of that entry.
 */
export function conv2dReference(
  { x, weight, bias, dy }: ReferenceInputs,
  p: Numbers,
  constants: Numbers,
  entry: string,
): Record<string, Float64Array> {
  const lengths = conv2dLengths(p);
  const t = forwardParams(p);
  if (entry === "forward") {
    return { y: rectified(tiledReference({ source: x, weight, bias }, t), constants) };
  }
  if (entry === "inputGradient") {
    // the gradient has one plane a network even where they share x
    const own = { ...t, sourceStride: lengths.dx / p.networks };
    const dx = new Float64Array(lengths.dx);
    eachProduct(own, (to, from, tap) => dx[from] += dy[to] * weight[tap]);
    return { dx };
  }
  const dw = new Float64Array(lengths.dw);
  const db = new Float64Array(lengths.db);
  eachProduct(t, (to, from, tap) => dw[tap] += dy[to] * x[from]);
  const plane = p.outHeight * p.outWidth;
  for (let i = 0; i < dy.length; i++) {
    const at = Math.floor(i / plane);
    const network = Math.floor(at / (p.batch * p.outChannels));
    db[network * p.outChannels + at % p.outChannels] += dy[i];
  }
  return { dw, db };
}

/**
 * Pools the output of a convolution over windows of 2 x 2, as `forwardPooled` does.
 *
 * @param y The output.
 * @param t Its `outHeight` and `outWidth`.
 * @param constants RELU = 1 clips at 0, and leaves no position there.
 * @returns `pooled` and `argmax`, a position in the plane of y.
 */
export function poolReference(
  y: Float64Array,
  { outHeight, outWidth }: Numbers,
  { RELU }: Numbers,
): Record<string, Float64Array> {
  const width = Math.floor(outWidth / 2);
  const height = Math.floor(outHeight / 2);
  const pooled = new Float64Array(y.length / (outHeight * outWidth) * height * width);
  const argmax = new Float64Array(pooled.length);
  for (let i = 0; i < pooled.length; i++) {
    const line = Math.floor(i / width);
    const start = Math.floor(line / height) * outHeight * outWidth;
    const corner = line % height * 2 * outWidth + i % width * 2;
    const places = [corner, corner + 1, corner + outWidth, corner + outWidth + 1];
    const best = places.reduce((a, b) => y[start + b] > y[start + a] ? b : a);
    const value = y[start + best];
    const passes = RELU === 0 || value > 0;
    pooled[i] = passes ? value : 0;
    argmax[i] = passes ? best : 0xffff_ffff;
  }
  return { pooled, argmax };
}
