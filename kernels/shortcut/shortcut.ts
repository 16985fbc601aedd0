import {
  defineKernels,
  type Grid,
  type KernelCase,
  type Kernels,
  linearGrid,
  type Numbers,
  type RandomSource,
} from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import source from "./shortcut.wgsl" with { type: "text" };

/** What a shortcut goes around. */
export interface ShortcutShape {
  /** Product of networks and rows. */
  readonly images: number;
  /** Channels of x. */
  readonly inChannels: number;
  /** Rows of x. */
  readonly inHeight: number;
  /** Columns of x. */
  readonly inWidth: number;
  /** Channels of y; an even number more than x has, or as many. */
  readonly outChannels: number;
}

/**
 * Gives the params of a shortcut.
 *
 * @param shape Sizes in elements.
 * @returns What both entries of `shortcutKernels` take.
 * @throws {RangeError} If a size is not a positive whole number, or the channels that are missing cannot
 *   stand half on either side.
 */
export function shortcutParams(shape: ShortcutShape): Numbers {
  for (const [name, value] of Object.entries(shape)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(
        `Cannot take a shortcut: ${name} must be a whole number from 1: ${value}`,
      );
    }
  }
  const { inChannels, inHeight, inWidth, outChannels } = shape;
  const pad = (outChannels - inChannels) / 2;
  if (!Number.isInteger(pad) || pad < 0) {
    throw new RangeError(
      "Cannot take a shortcut: channels of zeros must stand half on either side: " +
        `from ${inChannels} to ${outChannels} channels`,
    );
  }
  return {
    ...shape,
    outHeight: Math.ceil(inHeight / 2),
    outWidth: Math.ceil(inWidth / 2),
    pad,
  };
}

/**
 * Chooses the constants that fit a shortcut.
 *
 * @param params From `shortcutParams`.
 * @returns FOURS = 1 where lines of x and y are whole vectors.
 */
export function chooseShortcut({ inWidth, outWidth }: Numbers): Numbers {
  return { FOURS: outWidth % 4 === 0 && inWidth === 2 * outWidth ? 1 : 0 };
}

/** Sizes that the shader of every shortcut takes. */
export const SHORTCUT_PARAMS = {
  images: "u32",
  inChannels: "u32",
  inHeight: "u32",
  inWidth: "u32",
  outChannels: "u32",
  outHeight: "u32",
  outWidth: "u32",
  pad: "u32",
} as const;

/**
 * Counts the elements of x.
 *
 * @param p Params of a shortcut.
 * @returns Their count.
 */
export function inputsOf(p: Numbers): number {
  return p.images * p.inChannels * p.inHeight * p.inWidth;
}

/**
 * Counts the elements of y.
 *
 * @param p Params of a shortcut.
 * @returns Their count.
 */
export function outputsOf(p: Numbers): number {
  return p.images * p.outChannels * p.outHeight * p.outWidth;
}

/** Covers what is written: in vectors, or in 4 vectors of a plane, of x two and two below each other. */
function gridOf(size: number, across: number, { FOURS, WORKGROUP_SIZE }: Numbers): Grid {
  return linearGrid(FOURS === 1 ? across : Math.ceil(size / 4), WORKGROUP_SIZE);
}

const forwardGrid = (p: Numbers, constants: Numbers): Grid =>
  gridOf(
    outputsOf(p),
    p.images * p.outChannels * Math.ceil(p.outHeight * p.outWidth / 16),
    constants,
  );

const backwardGrid = (p: Numbers, constants: Numbers): Grid =>
  gridOf(
    inputsOf(p),
    p.images * p.inChannels * Math.ceil(p.outHeight * p.inWidth / 8),
    constants,
  );

/**
 * Calls back for every element that is carried.
 *
 * @param p Params of a shortcut; every second row and column is taken unless they have another `stride`.
 * @param carry Told where it stands in y and where in x.
 */
export function eachCarried(
  p: Numbers,
  carry: (output: number, input: number) => void,
): void {
  const { stride = 2 } = p;
  for (let image = 0; image < p.images; image++) {
    for (let channel = 0; channel < p.inChannels; channel++) {
      for (let row = 0; row < p.outHeight; row++) {
        for (let column = 0; column < p.outWidth; column++) {
          const to = (image * p.outChannels + p.pad + channel) * p.outHeight + row;
          const from = (image * p.inChannels + channel) * p.inHeight + stride * row;
          carry(to * p.outWidth + column, from * p.inWidth + stride * column);
        }
      }
    }
  }
}

const around = (
  images: number,
  inChannels: number,
  inHeight: number,
  inWidth: number,
  outChannels: number,
): KernelCase => {
  const params = shortcutParams({ images, inChannels, inHeight, inWidth, outChannels });
  return { params, constants: chooseShortcut(params) };
};

/**
 * Draws the sizes of a shortcut.
 *
 * @param random Where from.
 * @param caseOf Makes a case of images, channels, height and width of x, and channels of y.
 * @returns The case.
 */
export function randomShortcut(random: RandomSource, caseOf: typeof around): KernelCase {
  const inChannels = randomInteger(random, 1, 6);
  return caseOf(
    randomInteger(random, 1, 5),
    inChannels,
    randomInteger(random, 1, 12),
    randomInteger(random, 1, 12),
    inChannels + 2 * randomInteger(random, 0, 4),
  );
}

/**
 * The option-A shortcut of residual networks and its gradient.
 *
 * @see He et al. 2016, arXiv:1512.03385, section 3.3
 */
export const shortcutKernels: Kernels<"forward" | "backward"> = defineKernels({
  name: "shortcut",
  file: "kernels/shortcut/shortcut.wgsl",
  source,
  params: SHORTCUT_PARAMS,
  constants: { FOURS: 0, WORKGROUP_SIZE: 64 },
  lengths: (p) => ({ x: inputsOf(p), dx: inputsOf(p), y: outputsOf(p), dy: outputsOf(p) }),
  entries: {
    forward: {
      reads: ["x"],
      writes: ["y"],
      flops: outputsOf,
      // of every second line of x all is moved, though half of it is not used
      touched: (p) => outputsOf(p) + p.images * p.inChannels * p.outHeight * p.inWidth,
      workgroups: forwardGrid,
      loopIterations: () => 4,
    },
    backward: {
      reads: ["dy"],
      writes: ["dx"],
      flops: inputsOf,
      touched: (p) => inputsOf(p) + p.images * p.inChannels * p.outHeight * p.outWidth,
      workgroups: backwardGrid,
    },
  },
  workgroups: forwardGrid,
  tolerance: "exact",
  reference({ x, dy }, p, _constants, entry) {
    if (entry === "forward") {
      const y = new Float64Array(outputsOf(p));
      eachCarried(p, (output, input) => y[output] = x[input]);
      return { y };
    }
    const dx = new Float64Array(inputsOf(p));
    eachCarried(p, (output, input) => dx[input] = dy[output]);
    return { dx };
  },
  gradients: [{ output: "y", input: "x", seed: "dy", gradient: "dx" }],
  cases: [
    around(1, 1, 1, 1, 1),
    around(2, 4, 16, 16, 8),
    around(3, 2, 7, 8, 6),
    around(3, 2, 7, 5, 6),
    around(2, 3, 4, 9, 3),
    around(4, 16, 32, 32, 32),
  ],
  randomCase: (random) => randomShortcut(random, around),
  benchCases: [around(64, 16, 32, 32, 32)],
});
