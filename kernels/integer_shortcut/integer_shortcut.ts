import {
  defineKernels,
  type KernelCase,
  type Kernels,
  linearGrid,
  type Numbers,
} from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import { shortcutParams, type ShortcutShape } from "../shortcut/shortcut.ts";
import source from "./integer_shortcut.wgsl" with { type: "text" };

/**
 * Gives the params of an integer shortcut: as many channels stay as they are, more take every second row
 * and column.
 *
 * @param shape Sizes in elements.
 * @returns What `integerShortcutKernels` takes.
 * @throws {RangeError} As `shortcutParams`.
 */
export function integerShortcutParams(shape: ShortcutShape): Numbers {
  const halved = shortcutParams(shape);
  if (shape.inChannels !== shape.outChannels) return { ...halved, stride: 2 };
  return { ...halved, outHeight: shape.inHeight, outWidth: shape.inWidth, stride: 1 };
}

const outputsOf = (p: Numbers): number => p.images * p.outChannels * p.outHeight * p.outWidth;

function around(
  images: number,
  inChannels: number,
  inHeight: number,
  inWidth: number,
  outChannels: number,
): KernelCase {
  return { params: integerShortcutParams({ images, inChannels, inHeight, inWidth, outChannels }) };
}

/** The shortcut of residual networks on integer codes, without parameters. */
export const integerShortcutKernels: Kernels<"forward"> = defineKernels({
  name: "integer_shortcut",
  file: "kernels/integer_shortcut/integer_shortcut.wgsl",
  source,
  params: {
    images: "u32",
    inChannels: "u32",
    inHeight: "u32",
    inWidth: "u32",
    outChannels: "u32",
    outHeight: "u32",
    outWidth: "u32",
    pad: "u32",
    stride: "u32",
  },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: (p) => ({
    x: p.images * p.inChannels * p.inHeight * p.inWidth,
    xZero: 1,
    y: outputsOf(p),
  }),
  entries: {
    forward: {
      reads: ["x", "xZero"],
      writes: ["y"],
      flops: outputsOf,
    },
  },
  workgroups: (p, { WORKGROUP_SIZE }) => linearGrid(outputsOf(p), WORKGROUP_SIZE),
  tolerance: "exact",
  generate: {
    x: (random, _p, length) => Array.from({ length }, () => randomInteger(random, -128, 255)),
    xZero: (random) => [randomInteger(random, -128, 255)],
  },
  reference({ x, xZero }, p) {
    const y = new Float64Array(outputsOf(p));
    for (let image = 0; image < p.images; image++) {
      for (let channel = 0; channel < p.inChannels; channel++) {
        for (let row = 0; row < p.outHeight; row++) {
          for (let column = 0; column < p.outWidth; column++) {
            const to = (image * p.outChannels + p.pad + channel) * p.outHeight + row;
            const from = (image * p.inChannels + channel) * p.inHeight + p.stride * row;
            y[to * p.outWidth + column] = x[from * p.inWidth + p.stride * column] - xZero[0];
          }
        }
      }
    }
    return { y };
  },
  cases: [
    around(1, 1, 1, 1, 1),
    around(3, 4, 7, 5, 4),
    around(2, 4, 16, 16, 8),
    around(3, 2, 7, 5, 6),
  ],
  randomCase: (random) => {
    const inChannels = randomInteger(random, 1, 6);
    return around(
      randomInteger(random, 1, 5),
      inChannels,
      randomInteger(random, 1, 12),
      randomInteger(random, 1, 12),
      inChannels + 2 * randomInteger(random, 0, 4),
    );
  },
  benchCases: [around(64, 16, 32, 32, 32)],
});
