import {
  defineKernels,
  type KernelCase,
  type Kernels,
  linearGrid,
  type Numbers,
} from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import {
  eachCarried,
  inputsOf,
  outputsOf,
  randomShortcut,
  SHORTCUT_PARAMS,
  shortcutParams,
  type ShortcutShape,
} from "../shortcut/shortcut.ts";
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
  params: { ...SHORTCUT_PARAMS, stride: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: (p) => ({ x: inputsOf(p), xZero: 1, y: outputsOf(p) }),
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
    eachCarried(p, (output, input) => y[output] = x[input] - xZero[0]);
    return { y };
  },
  cases: [
    around(1, 1, 1, 1, 1),
    around(3, 4, 7, 5, 4),
    around(2, 4, 16, 16, 8),
    around(3, 2, 7, 5, 6),
  ],
  randomCase: (random) => randomShortcut(random, around),
  benchCases: [around(64, 16, 32, 32, 32)],
});
