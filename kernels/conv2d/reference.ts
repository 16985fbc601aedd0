import type { Numbers, ReferenceInputs } from "../../gpu/mod.ts";
import { conv2dLengths, planes } from "./spec.ts";

/** Calls back for every product `y[to] += x[from] * weight[tap]` of a convolution. */
function eachProduct(
  p: Numbers,
  product: (to: number, from: number, tap: number, network: number) => void,
): void {
  const { inPlane, outPlane } = planes(p);
  for (let planeOut = 0; planeOut < p.networks * p.batch * p.outChannels; planeOut++) {
    const o = planeOut % p.outChannels;
    const image = Math.floor(planeOut / p.outChannels);
    const network = Math.floor(image / p.batch);
    const n = image % p.batch;
    for (let i = 0; i < p.inChannels; i++) {
      const from = (n * p.inChannels + i) * inPlane;
      const tap = ((network * p.outChannels + o) * p.inChannels + i) * p.kernelHeight;
      for (let oy = 0; oy < p.outHeight; oy++) {
        for (let ky = 0; ky < p.kernelHeight; ky++) {
          const iy = oy * p.stride + ky - p.padding;
          if (iy < 0 || iy >= p.inHeight) continue;
          for (let ox = 0; ox < p.outWidth; ox++) {
            const to = planeOut * outPlane + oy * p.outWidth + ox;
            for (let kx = 0; kx < p.kernelWidth; kx++) {
              const ix = ox * p.stride + kx - p.padding;
              if (ix < 0 || ix >= p.inWidth) continue;
              product(to, from + iy * p.inWidth + ix, (tap + ky) * p.kernelWidth + kx, network);
            }
          }
        }
      }
    }
  }
}

/**
 * Convolves in float64, and gives the gradients of it.
 *
 * @param inputs `x`, `weight` and `bias` for the output, `dy` too for the gradients; `mask` optional.
 * @param p Params of the convolution.
 * @param constants RELU = 1 clips the output at 0.
 * @param entry Which of the products is wanted.
 * @returns The outputs of that entry.
 */
export function conv2dReference(
  { x, weight, bias, dy, mask }: ReferenceInputs,
  p: Numbers,
  { RELU }: Numbers,
  entry: string,
): Record<string, Float64Array> {
  const lengths = conv2dLengths(p);
  const { outPlane } = planes(p);
  if (entry === "forward") {
    const y = new Float64Array(lengths.y);
    for (let i = 0; i < y.length; i++) {
      const plane = Math.floor(i / outPlane);
      const network = Math.floor(plane / (p.batch * p.outChannels));
      y[i] = bias[network * p.outChannels + plane % p.outChannels];
    }
    eachProduct(p, (to, from, tap, network) => {
      y[to] += x[network * p.xStride + from] * weight[tap];
    });
    return { y: RELU === 1 ? y.map((value) => Math.max(value, 0)) : y };
  }
  if (entry.startsWith("inputGradient")) {
    const dx = new Float64Array(lengths.dx);
    const image = dx.length / p.networks;
    eachProduct(p, (to, from, tap, network) => {
      dx[network * image + from] += dy[to] * weight[tap];
    });
    if (entry !== "inputGradientMasked") return { dx };
    const open = (i: number) => mask[Math.floor(i / image) * p.xStride + i % image] > 0;
    return { dx: dx.map((value, i) => open(i) ? value : 0) };
  }
  const dw = new Float64Array(lengths.dw);
  const db = new Float64Array(lengths.db);
  eachProduct(p, (to, from, tap, network) => {
    dw[tap] += dy[to] * x[network * p.xStride + from];
  });
  for (let i = 0; i < dy.length; i++) {
    const plane = Math.floor(i / outPlane);
    const network = Math.floor(plane / (p.batch * p.outChannels));
    db[network * p.outChannels + plane % p.outChannels] += dy[i];
  }
  return { dw, db };
}

/**
 * Pools the output of a convolution over windows of 2 x 2, as `forwardPooled` does.
 *
 * @param y The output.
 * @param p Params of the convolution.
 * @param constants RELU = 1 clips at 0, and leaves no position there.
 * @returns `pooled` and `argmax`, a position in the plane of y.
 */
export function poolReference(
  y: Float64Array,
  p: Numbers,
  { RELU }: Numbers,
): Record<string, Float64Array> {
  const width = Math.floor(p.outWidth / 2);
  const height = Math.floor(p.outHeight / 2);
  const { outPlane } = planes(p);
  const pooled = new Float64Array(p.networks * p.batch * p.outChannels * height * width);
  const argmax = new Float64Array(pooled.length);
  for (let i = 0; i < pooled.length; i++) {
    const line = Math.floor(i / width);
    const start = Math.floor(line / height) * outPlane;
    const corner = line % height * 2 * p.outWidth + i % width * 2;
    const places = [corner, corner + 1, corner + p.outWidth, corner + p.outWidth + 1];
    const best = places.reduce((a, b) => y[start + b] > y[start + a] ? b : a);
    const value = y[start + best];
    const passes = RELU === 0 || value > 0;
    pooled[i] = passes ? value : 0;
    argmax[i] = passes ? best : 0xffff_ffff;
  }
  return { pooled, argmax };
}
