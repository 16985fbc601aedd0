import {
  defineKernels,
  type KernelCase,
  type Kernels,
  linearGrid,
  type RandomSource,
} from "../../gpu/mod.ts";
import { normalsOrNaN, randomInteger, standardNormal } from "../random_source.ts";
import source from "./codebook_quantize.wgsl" with { type: "text" };

function codebookCase(
  channels: number,
  inner: number,
  outer: number,
  slots: number,
): KernelCase {
  return { params: { size: outer * channels * inner, channels, inner, slots } };
}

/** Rows of ascending numbers. */
function ascendingRows(
  random: RandomSource,
  { slots }: Readonly<Record<string, number>>,
  length: number,
): number[] {
  return Array.from(
    { length: length / slots },
    () => Array.from({ length: slots }, () => standardNormal(random)).sort((a, b) => a - b),
  ).flat();
}

/** Replaces every element by the nearest of listed levels; the backward pass is straight through. */
export const codebookQuantizeKernels: Kernels<"forward" | "backward"> = defineKernels({
  name: "codebook_quantize",
  file: "kernels/codebook_quantize/codebook_quantize.wgsl",
  source,
  params: { size: "u32", channels: "u32", inner: "u32", slots: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ size, channels, slots }) => ({
    x: size,
    y: size,
    dx: size,
    dy: size,
    levels: channels * slots,
    thresholds: channels * slots,
  }),
  entries: {
    forward: {
      reads: ["x", "levels", "thresholds"],
      writes: ["y"],
      flops: ({ size, slots }) => 2 * Math.log2(slots) * size,
    },
    backward: {
      reads: ["x", "levels", "dy"],
      writes: ["dx"],
      flops: ({ size }) => 2 * size,
    },
  },
  workgroups: ({ size }, { WORKGROUP_SIZE }) => linearGrid(Math.ceil(size / 16), WORKGROUP_SIZE),
  tolerance: "exact",
  generate: { x: normalsOrNaN, levels: ascendingRows, thresholds: ascendingRows },
  reference({ x, levels, thresholds, dy }, { channels, inner, slots }, _constants, entry) {
    const rowOf = (i: number) => Math.floor(i / inner) % channels * slots;
    if (entry === "backward") {
      const isInside = (value: number, row: number) =>
        levels[row] <= value && value <= levels[row + slots - 1];
      return { dx: dy.map((value, i) => isInside(x[i], rowOf(i)) ? value : 0) };
    }
    return {
      y: x.map((value, i) => {
        const row = rowOf(i);
        if (Number.isNaN(value)) return value;
        const passed = thresholds.subarray(row, row + slots - 1)
          .filter((threshold) => threshold <= value);
        return levels[row + passed.length];
      }),
    };
  },
  cases: [
    codebookCase(1, 1, 1, 1),
    codebookCase(1, 1, 1, 2),
    codebookCase(64, 784, 1, 4),
    codebookCase(3, 11, 3, 16),
    codebookCase(5, 8, 7, 256),
  ],
  randomCase: (random) =>
    codebookCase(
      randomInteger(random, 1, 9),
      randomInteger(random, 1, 40),
      randomInteger(random, 1, 5),
      2 ** randomInteger(random, 0, 6),
    ),
  benchCases: [codebookCase(64, 2 ** 18, 1, 4), codebookCase(64, 2 ** 18, 1, 16)],
});
