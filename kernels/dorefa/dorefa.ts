import { defineKernels, type KernelCase, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { randomInteger, sometimesNaN } from "../random_source.ts";
import { roundHalfEven } from "../rounding.ts";
import source from "./dorefa.wgsl" with { type: "text" };

function dorefaCase(channels: number, inner: number, bits: number): KernelCase {
  return { params: { channels, inner, bits } };
}

/** Weights on equally spaced levels after a tanh (DoReFa). */
export const dorefaKernels: Kernels<"forward" | "backward"> = defineKernels({
  name: "dorefa",
  file: "kernels/dorefa/dorefa.wgsl",
  source,
  params: { channels: "u32", inner: "u32", bits: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ channels, inner }) => ({
    w: channels * inner,
    range: 2 * channels,
    y: channels * inner,
    dy: channels * inner,
    dw: channels * inner,
  }),
  entries: {
    forward: {
      reads: ["w", "range"],
      writes: ["y"],
      flops: ({ channels, inner }) => 16 * channels * inner,
    },
    backward: {
      reads: ["w", "dy"],
      writes: ["dw"],
      flops: ({ channels, inner }) => 12 * channels * inner,
    },
  },
  workgroups: ({ channels, inner }, { WORKGROUP_SIZE }) =>
    linearGrid(Math.ceil(channels * inner / 16), WORKGROUP_SIZE),
  // WGSL's tanh errs by some 2^-16; a level that is wrong is 0.1 off or more
  tolerance: { absolute: 2e-5, relative: 2e-5 },
  generate: {
    // places on the grid away from its rounding boundaries, where any tanh finds the same level
    w: (random, { bits }, length) => {
      const n = 2 ** bits - 1;
      const values = Array.from({ length }, () => {
        const q = randomInteger(random, 0, n) + 0.8 * (random() - 0.5);
        return Math.atanh(Math.tanh(2) * Math.min(Math.max(2 * q / n - 1, -1), 1));
      });
      return sometimesNaN(random, values);
    },
    range: (random, _p, length) =>
      sometimesNaN(random, Array.from({ length }, (_, i) => i % 2 === 0 ? -1 : 2)),
  },
  reference({ w, range, dy }, { inner, bits }, _constants, entry) {
    if (entry === "backward") {
      return { dw: dy.map((slope, i) => slope * (1 - Math.tanh(w[i]) ** 2)) };
    }
    const n = 2 ** bits - 1;
    return {
      y: w.map((value, i) => {
        if (!Number.isFinite(value)) return value;
        const c = Math.floor(i / inner);
        const m = Math.tanh(Math.max(-range[2 * c], range[2 * c + 1]));
        const q = roundHalfEven(n * (Math.tanh(value) / (2 * m) + 0.5));
        return m * (2 * Math.min(Math.max(q, 0), n) / n - 1);
      }),
    };
  },
  cases: [dorefaCase(1, 1, 2), dorefaCase(64, 784, 3), dorefaCase(5, 7, 1), dorefaCase(3, 50, 4)],
  randomCase: (random) =>
    dorefaCase(
      randomInteger(random, 1, 20),
      randomInteger(random, 1, 200),
      randomInteger(random, 1, 6),
    ),
  benchCases: [dorefaCase(1, 2 ** 22, 4)],
});
