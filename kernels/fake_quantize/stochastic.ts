import { defineKernels, type KernelCase, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { randomInteger, randomWords, uniformAt } from "../random_source.ts";
import { roundStochastically } from "../rounding.ts";
import { generateGrids } from "./generate_grids.ts";
import source from "./stochastic.wgsl" with { type: "text" };

const { fround } = Math;

/** A case of networks whose channels hold `inner` elements. */
function stochasticCase(
  networks: number,
  channels: number,
  inner: number,
  isShared: boolean = false,
): KernelCase {
  const size = networks * channels * inner;
  const xSize = isShared ? size / networks : size;
  return {
    params: { size, channels: networks * channels, inner, xSize, networks },
    ...xSize !== size && { entries: ["forward"] },
  };
}

/**
 * Snaps a tensor to one of the two numbers of an integer grid beside each element, without bias; the
 * backward pass is the straight-through estimator.
 *
 * @see Gupta et al. 2015, arXiv:1502.02551
 */
export const stochasticFakeQuantizeKernels: Kernels<"forward" | "backward"> = defineKernels({
  name: "stochastic_fake_quantize",
  file: "kernels/fake_quantize/stochastic.wgsl",
  source,
  params: { size: "u32", channels: "u32", inner: "u32", xSize: "u32", networks: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ size, channels, xSize, networks }) => ({
    x: xSize,
    y: size,
    dx: size,
    dy: size,
    scale: channels,
    inverseScale: channels,
    zeroPoint: channels,
    qMin: channels,
    qMax: channels,
    keys: networks,
  }),
  entries: {
    forward: {
      reads: ["x", "scale", "inverseScale", "zeroPoint", "qMin", "qMax", "keys"],
      writes: ["y"],
      flops: ({ size }) => 36 * size,
    },
    backward: {
      reads: ["x", "inverseScale", "zeroPoint", "qMin", "qMax", "keys", "dy"],
      writes: ["dx"],
      flops: ({ size }) => 34 * size,
    },
  },
  workgroups: ({ size }, { WORKGROUP_SIZE }) => linearGrid(Math.ceil(size / 16), WORKGROUP_SIZE),
  tolerance: "exact",
  generate: { ...generateGrids, keys: randomWords },
  reference({ x, scale, inverseScale, zeroPoint, qMin, qMax, keys, dy }, p, _constants, entry) {
    const each = p.size / p.networks;
    const channel = (i: number) => Math.floor(i / p.inner) % p.channels;
    const q = Float64Array.from({ length: p.size }, (_, i) => {
      const k = channel(i);
      const uniform = uniformAt(keys[Math.floor(i / each)], i % each);
      return roundStochastically(fround(x[i % p.xSize] * inverseScale[k]), uniform) + zeroPoint[k];
    });
    if (entry === "backward") {
      const passes = (value: number, k: number) => qMin[k] <= value && value <= qMax[k];
      return { dx: q.map((value, i) => passes(value, channel(i)) ? dy[i] : 0) };
    }
    return {
      y: q.map((value, i) => {
        const k = channel(i);
        const clamped = Math.min(Math.max(value, qMin[k]), qMax[k]);
        return fround((clamped - zeroPoint[k]) * scale[k]);
      }),
    };
  },
  cases: [
    stochasticCase(1, 1, 1),
    stochasticCase(1, 64, 784),
    stochasticCase(3, 5, 7),
    stochasticCase(7, 1, 3),
    stochasticCase(4, 2, 8),
    stochasticCase(3, 1, 40, true),
    stochasticCase(5, 1, 7, true),
  ],
  randomCase: (random) =>
    stochasticCase(
      randomInteger(random, 1, 5),
      randomInteger(random, 1, 6),
      randomInteger(random, 1, 40),
    ),
  benchCases: [stochasticCase(1, 1, 2 ** 24), stochasticCase(1, 64, 2 ** 18)],
});
