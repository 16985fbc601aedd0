import {
  defineKernels,
  type KernelCase,
  type Kernels,
  linearGrid,
  type Numbers,
} from "../../gpu/mod.ts";
import { countWindows, eachPair, inputsOf, outputsOf } from "../pool_window.ts";
import { randomInteger } from "../random_source.ts";
import source from "./average_pool.wgsl" with { type: "text" };

/** Sizes that an average pooling is chosen by. */
export interface AveragePoolShape {
  /** Product of all leading axes: networks, batch, channels. */
  readonly planes: number;
  /** Rows of x. */
  readonly inHeight: number;
  /** Columns of x. */
  readonly inWidth: number;
  /** Rows of the window. */
  readonly height: number;
  /** Columns of the window. */
  readonly width: number;
  /** Between windows, on both axes. */
  readonly stride: number;
  /** Zeros on all four sides, which the means count; 0 if left out. */
  readonly padding?: number;
}

/**
 * Gives the params of an average pooling:
 * `outHeight = floor((inHeight + 2 padding - height) / stride) + 1`, the width likewise.
 *
 * @param shape Sizes in elements.
 * @returns What every entry of `averagePoolKernels` takes.
 * @throws {RangeError} If a size is not a positive whole number, the padding is more than half a window
 *   or the window does not fit.
 */
export function averagePoolParams(shape: AveragePoolShape): Numbers {
  const { padding = 0, ...sizes } = shape;
  const counts = countWindows(sizes, [shape.height, shape.width], padding);
  return { ...sizes, ...counts, padding };
}

/**
 * Chooses the constants that fit a pooling.
 *
 * @param params From `averagePoolParams`.
 * @returns WHOLE = 1 where the one window is the plane and the plane is whole vectors, HALVING = 1 where
 *   windows of 2 x 2 fill even sides and lines of windows are whole vectors.
 */
export function chooseAveragePool(params: Numbers): Numbers {
  const { inHeight, inWidth, height, width, stride, padding } = params;
  if (padding > 0) return { WHOLE: 0, HALVING: 0 };
  const isWhole = height === inHeight && width === inWidth && inHeight * inWidth % 4 === 0;
  const halves = height === 2 && width === 2 && stride === 2 && inHeight % 2 === 0 &&
    inWidth % 8 === 0;
  return { WHOLE: isWhole ? 1 : 0, HALVING: halves ? 1 : 0 };
}

const planeOf = (p: Numbers): number => p.inHeight * p.inWidth;

/** Invocations that write dx. */
function writersOf(p: Numbers, { WHOLE, HALVING }: Numbers): number {
  if (WHOLE === 1) return p.planes * Math.ceil(planeOf(p) / 16);
  return HALVING === 1 ? outputsOf(p) / 4 : Math.ceil(inputsOf(p) / 4);
}

function pool(
  planes: number,
  [inHeight, inWidth]: readonly [number, number],
  [height, width]: readonly [number, number],
  stride: number,
  padding = 0,
): KernelCase {
  const params = averagePoolParams({ planes, inHeight, inWidth, height, width, stride, padding });
  return { params, constants: chooseAveragePool(params) };
}

/** Average pooling, floor mode, with zeros around that count: means forward, a gather backward. */
export const averagePoolKernels: Kernels<"forward" | "backward"> = defineKernels({
  name: "average_pool",
  file: "kernels/average_pool/average_pool.wgsl",
  source,
  params: {
    planes: "u32",
    inHeight: "u32",
    inWidth: "u32",
    outHeight: "u32",
    outWidth: "u32",
    height: "u32",
    width: "u32",
    stride: "u32",
    padding: "u32",
  },
  constants: { WHOLE: 0, HALVING: 0, WORKGROUP_SIZE: 64 },
  lengths: (p) => ({ x: inputsOf(p), dx: inputsOf(p), y: outputsOf(p), dy: outputsOf(p) }),
  entries: {
    forward: {
      reads: ["x"],
      writes: ["y"],
      flops: (p) => outputsOf(p) * p.height * p.width,
      workgroups: (p, { HALVING, WORKGROUP_SIZE }) =>
        linearGrid(outputsOf(p) / (HALVING === 1 ? 4 : 1), WORKGROUP_SIZE),
      loopIterations: (p, { WHOLE }) =>
        WHOLE === 1 ? Math.ceil(planeOf(p) / 16) + 3 : p.height * (p.width + 1),
    },
    backward: {
      reads: ["dy"],
      writes: ["dx"],
      flops: inputsOf,
      workgroups: (p, constants) => linearGrid(writersOf(p, constants), constants.WORKGROUP_SIZE),
      loopIterations: (p) =>
        4 * Math.ceil(p.height / p.stride) * (1 + Math.ceil(p.width / p.stride)),
    },
  },
  workgroups: (p, { WORKGROUP_SIZE }) => linearGrid(outputsOf(p), WORKGROUP_SIZE),
  // sums of up to some hundred numbers of both signs
  tolerance: { absolute: 1e-6, relative: 2e-6 },
  reference({ x, dy }, p, _constants, entry) {
    const size = p.height * p.width;
    const y = new Float64Array(outputsOf(p));
    const dx = new Float64Array(inputsOf(p));
    eachPair(p, [p.height, p.width], (window, element) => {
      if (entry === "forward") y[window] += x[element] / size;
      else dx[element] += dy[window] / size;
    });
    return { y, dx };
  },
  gradients: [{ output: "y", input: "x", seed: "dy", gradient: "dx" }],
  cases: [
    pool(1, [1, 1], [1, 1], 1),
    pool(6, [28, 28], [2, 2], 2),
    pool(3, [6, 24], [2, 2], 2),
    pool(5, [2, 8], [2, 2], 2),
    pool(70, [8, 8], [8, 8], 1),
    pool(5, [6, 6], [6, 6], 6),
    pool(3, [7, 7], [7, 7], 1),
    pool(5, [7, 9], [2, 2], 2),
    pool(3, [14, 10], [3, 2], 2),
    pool(2, [11, 8], [2, 2], 3),
    pool(2, [9, 9], [5, 4], 1),
    pool(3, [7, 9], [3, 3], 2, 1),
    pool(2, [8, 8], [2, 2], 2, 1),
    pool(2, [1, 2], [3, 4], 1, 1),
    pool(2, [6, 5], [5, 4], 3, 2),
  ],
  randomCase: (random) => {
    const side = () => randomInteger(random, 1, 4);
    const [height, width] = [side(), side()];
    return pool(
      randomInteger(random, 1, 9),
      [randomInteger(random, height, 20), randomInteger(random, width, 20)],
      [height, width],
      side(),
      randomInteger(random, 0, Math.floor(Math.min(height, width) / 2)),
    );
  },
  benchCases: [pool(128 * 64, [8, 8], [8, 8], 1), pool(128 * 16, [32, 32], [2, 2], 2)],
});
