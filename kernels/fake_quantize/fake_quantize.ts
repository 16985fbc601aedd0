import { defineKernels, type KernelCase, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import { roundHalfEven, roundWithDeadZone } from "../rounding.ts";
import { generateGrids } from "./generate_grids.ts";
import source from "./fake_quantize.wgsl" with { type: "text" };

/** Rounding modes, numbered as the shader's `ROUNDING` constant numbers them. */
export const ROUNDING = { nearestEven: 0, towardZero: 1, down: 2, deadZone: 3 } as const;

/** How often the channel changes, numbered as the shader's `CHANNELS` constant numbers it. */
const CHANNELS = { one: 0, byVector: 1, byElement: 2 } as const;

const toInteger = [roundHalfEven, Math.trunc, Math.floor, roundWithDeadZone];
const { fround } = Math;

/**
 * Chooses the fastest way to find the channel of an element.
 *
 * @param channels Count of channels.
 * @param inner Elements between two neighbors on the channel axis.
 * @returns The value of the shader's `CHANNELS` constant.
 */
export function channelMode(channels: number, inner: number): number {
  if (channels === 1) return CHANNELS.one;
  return inner % 4 === 0 ? CHANNELS.byVector : CHANNELS.byElement;
}

function fakeQuantizeCase(
  channels: number,
  inner: number,
  outer: number,
  rounding: number,
  shared: boolean = false,
): KernelCase {
  const size = outer * channels * inner;
  const xSize = shared ? inner : size;
  return {
    params: { size, channels, inner, xSize },
    constants: {
      ROUNDING: rounding,
      CHANNELS: channelMode(channels, inner),
      SHARED: xSize === size ? 0 : 1,
    },
    ...xSize !== size && { entries: ["forward"] },
  };
}

/** Snaps a tensor to an integer grid; the backward pass is the straight-through estimator. */
export const fakeQuantizeKernels: Kernels<"forward" | "backward"> = defineKernels({
  name: "fake_quantize",
  file: "kernels/fake_quantize/fake_quantize.wgsl",
  source,
  params: { size: "u32", channels: "u32", inner: "u32", xSize: "u32" },
  constants: {
    ROUNDING: ROUNDING.nearestEven,
    CHANNELS: CHANNELS.byElement,
    SHARED: 0,
    WORKGROUP_SIZE: 64,
  },
  lengths: ({ size, channels, xSize }) => ({
    x: xSize,
    y: size,
    dx: size,
    dy: size,
    scale: channels,
    inverseScale: channels,
    zeroPoint: channels,
    qMin: channels,
    qMax: channels,
  }),
  entries: {
    forward: {
      reads: ["x", "scale", "inverseScale", "zeroPoint", "qMin", "qMax"],
      writes: ["y"],
      flops: ({ size }) => 6 * size,
    },
    backward: {
      reads: ["x", "inverseScale", "zeroPoint", "qMin", "qMax", "dy"],
      writes: ["dx"],
      flops: ({ size }) => 4 * size,
    },
  },
  workgroups: ({ size }, { WORKGROUP_SIZE }) => linearGrid(Math.ceil(size / 16), WORKGROUP_SIZE),
  tolerance: "exact",
  generate: generateGrids,
  reference({ x, scale, inverseScale, zeroPoint, qMin, qMax, dy }, p, c, entry) {
    const channel = (i: number) => Math.floor(i / p.inner) % p.channels;
    const q = Float64Array.from({ length: p.size }, (_, i) => {
      const k = channel(i);
      return toInteger[c.ROUNDING](fround(x[i % p.xSize] * inverseScale[k])) + zeroPoint[k];
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
  cases: Object.values(ROUNDING).flatMap((rounding) => [
    fakeQuantizeCase(1, 1, 1, rounding),
    fakeQuantizeCase(64, 784, 1, rounding),
    fakeQuantizeCase(3, 11, 3, rounding),
    fakeQuantizeCase(5, 8, 7, rounding),
    fakeQuantizeCase(3, 40, 1, rounding, true),
    fakeQuantizeCase(4, 7, 1, rounding, true),
  ]),
  randomCase: (random) =>
    fakeQuantizeCase(
      randomInteger(random, 1, 9),
      randomInteger(random, 1, 40),
      randomInteger(random, 1, 5),
      randomInteger(random, 0, 3),
    ),
  benchCases: [fakeQuantizeCase(1, 2 ** 24, 1, 0), fakeQuantizeCase(64, 2 ** 18, 1, 0)],
});
