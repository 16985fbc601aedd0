import {
  defineKernels,
  type KernelCase,
  type Kernels,
  linearGrid,
  type Numbers,
} from "../../gpu/mod.ts";
import { countWindows, eachPair, inputsOf, outputsOf } from "../pool_window.ts";
import { randomInteger } from "../random_source.ts";
import source from "./max_pool.wgsl" with { type: "text" };

/** Sizes that a pooling is chosen by. */
export interface MaxPoolShape {
  /** Product of all leading axes: networks, batch, channels. */
  readonly planes: number;
  /** Rows of x. */
  readonly inHeight: number;
  /** Columns of x. */
  readonly inWidth: number;
  /** Side of the window. */
  readonly size: number;
  /** Between windows, on both axes; the size if left out. */
  readonly stride?: number;
}

/**
 * Gives the params of a max pooling: `outHeight = floor((inHeight - size) / stride) + 1`.
 *
 * @param shape Sizes in elements.
 * @returns What every entry of `maxPoolKernels` takes.
 * @throws {RangeError} If a size is not a positive whole number or the window does not fit.
 */
export function maxPoolParams(shape: MaxPoolShape): Numbers {
  const { planes, inHeight, inWidth, size, stride = size } = shape;
  const sizes = { planes, inHeight, inWidth, size, stride };
  const { outHeight, outWidth } = countWindows(sizes, [size, size]);
  return { planes, inHeight, inWidth, outHeight, outWidth, size, stride };
}

const cellsOf = (p: Numbers): number =>
  p.planes * Math.ceil(p.inHeight / p.stride) * Math.ceil(p.inWidth / p.stride);

const foursOf = (p: Numbers): number => p.planes * p.outHeight * Math.ceil(p.outWidth / 4);

/**
 * Chooses the constants that fit a pooling.
 *
 * @param params From `maxPoolParams`.
 * @returns HALVING = 1 for windows of 2 x 2 that do not overlap, over even sides.
 */
export function chooseMaxPool({ size, stride, inHeight, inWidth }: Numbers): Numbers {
  const halves = size === 2 && stride === 2 && inHeight % 2 === 0 && inWidth % 2 === 0;
  return { HALVING: halves ? 1 : 0 };
}

/** The position of a maximum that a ReLU lets nothing through to. */
const NOWHERE = 0xffff_ffff;

/** Positions as the forward pass leaves them: each in its own window, or nowhere. */
function somePositions(random: () => number, p: Numbers): Uint32Array {
  const positions = new Uint32Array(outputsOf(p));
  const plane = p.inHeight * p.inWidth;
  eachPair(p, [p.size, p.size], (window, element) => {
    if (positions[window] === 0 || random() < 0.4) positions[window] = element % plane;
  });
  return positions.map((position) => random() < 0.1 ? NOWHERE : position);
}

const pool = (
  planes: number,
  inHeight: number,
  inWidth: number,
  size: number,
  stride = size,
): KernelCase => ({ params: maxPoolParams({ planes, inHeight, inWidth, size, stride }) });

/** Max pooling, floor mode: values and positions forward, a gather backward. */
export const maxPoolKernels: Kernels<"forward" | "backward"> = defineKernels({
  name: "max_pool",
  file: "kernels/max_pool/max_pool.wgsl",
  source,
  params: {
    planes: "u32",
    inHeight: "u32",
    inWidth: "u32",
    outHeight: "u32",
    outWidth: "u32",
    size: "u32",
    stride: "u32",
  },
  constants: { HALVING: 0, RELU: 0, WORKGROUP_SIZE: 64 },
  lengths: (p) => ({
    x: inputsOf(p),
    dx: inputsOf(p),
    y: outputsOf(p),
    dy: outputsOf(p),
    argmax: outputsOf(p),
    positions: outputsOf(p),
  }),
  entries: {
    forward: {
      reads: ["x"],
      writes: ["y", "argmax"],
      flops: (p) => outputsOf(p) * p.size * p.size,
      workgroups: (p, { HALVING, WORKGROUP_SIZE }) =>
        linearGrid(HALVING === 1 ? foursOf(p) : outputsOf(p), WORKGROUP_SIZE),
      loopIterations: (p) => p.size * (p.size + 1),
    },
    backward: {
      reads: ["dy", "positions"],
      writes: ["dx"],
      flops: inputsOf,
      loopIterations: backwardIterations,
    },
  },
  workgroups: (p, { HALVING, WORKGROUP_SIZE }) =>
    linearGrid(HALVING === 1 ? foursOf(p) : cellsOf(p), WORKGROUP_SIZE),
  tolerance: (_p, entry) => entry === "forward" ? "exact" : { absolute: 1e-6, relative: 1e-6 },
  generate: { positions: somePositions },
  reference({ x, dy, positions }, p, { RELU }, entry) {
    const plane = p.inHeight * p.inWidth;
    const windows = p.outHeight * p.outWidth;
    if (entry === "forward") {
      const y = new Float64Array(outputsOf(p)).fill(-Infinity);
      const argmax = new Float64Array(outputsOf(p));
      eachPair(p, [p.size, p.size], (window, element) => {
        if (x[element] <= y[window]) return;
        y[window] = x[element];
        argmax[window] = element % plane;
      });
      if (RELU === 1) {
        y.forEach((value, window) => {
          if (value > 0) return;
          y[window] = 0;
          argmax[window] = NOWHERE;
        });
      }
      return { y, argmax };
    }
    const dx = new Float64Array(inputsOf(p));
    dy.forEach((value, window) => {
      if (positions[window] !== NOWHERE) {
        dx[Math.floor(window / windows) * plane + positions[window]] += value;
      }
    });
    return { dx };
  },
  gradients: [
    { output: "y", input: "x", seed: "dy", gradient: "dx", saved: { positions: "argmax" } },
  ],
  cases: [
    pool(1, 1, 1, 1),
    pool(6, 28, 28, 2),
    { ...pool(4, 14, 14, 2), constants: { RELU: 1 } },
    { ...pool(4, 14, 14, 2), constants: { HALVING: 1, RELU: 1 } },
    { ...pool(3, 2, 12, 2), constants: { HALVING: 1 } },
    pool(5, 7, 9, 2),
    pool(3, 14, 10, 3, 2),
    pool(2, 11, 8, 2, 3),
    pool(2, 9, 9, 5, 1),
  ],
  randomCase: (random) => {
    const size = randomInteger(random, 1, 4);
    return pool(
      randomInteger(random, 1, 9),
      randomInteger(random, size, 20),
      randomInteger(random, size, 20),
      size,
      randomInteger(random, 1, 4),
    );
  },
  benchCases: [pool(64 * 16, 28, 28, 2), pool(64 * 32, 14, 14, 2)].map(({ params }) => ({
    params,
    constants: { HALVING: 1 },
  })),
});

function backwardIterations({ size, stride }: Numbers): number {
  const windows = Math.ceil(size / stride);
  return stride * (1 + stride * (1 + windows * (1 + windows)));
}
