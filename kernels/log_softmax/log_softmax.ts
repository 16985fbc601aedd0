import { defineKernels, type Kernels, linearGrid, type Numbers } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import source from "./log_softmax.wgsl" with { type: "text" };

/** Calls back for every row with the range of its elements. */
function eachRow({ rows, classes }: Numbers, visit: (start: number, end: number) => void): void {
  for (let start = 0; start < rows * classes; start += classes) visit(start, start + classes);
}

/** Log-softmax over the last axis of `[rows, classes]` and its gradient. */
export const logSoftmaxKernels: Kernels<"forward" | "backward"> = defineKernels({
  name: "log_softmax",
  file: "kernels/log_softmax/log_softmax.wgsl",
  source,
  params: { rows: "u32", classes: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ rows, classes }) => {
    const size = rows * classes;
    return { x: size, y: size, saved: size, dy: size, dx: size };
  },
  entries: {
    forward: {
      reads: ["x"],
      writes: ["y"],
      flops: ({ rows, classes }) => 12 * rows * classes,
      loopIterations: ({ classes }) => 3 * classes,
    },
    backward: {
      reads: ["saved", "dy"],
      writes: ["dx"],
      flops: ({ rows, classes }) => 11 * rows * classes,
      loopIterations: ({ classes }) => 2 * classes,
    },
  },
  workgroups: ({ rows }, { WORKGROUP_SIZE }) => linearGrid(rows, WORKGROUP_SIZE),
  // forward: exp, log and one rounding an addition; backward: a sum of random signs, error ~ sqrt(n)
  tolerance: ({ classes }) => ({ absolute: 4e-6 + 4e-7 * Math.sqrt(classes), relative: 4e-6 }),
  generate: {
    x: (random, _params, length) => Array.from({ length }, () => 30 * (random() - 0.5)),
    saved: (random, { classes }, length) =>
      Array.from({ length }, () => 4 * (random() - 0.5) - Math.log(classes)),
  },
  reference({ x, saved, dy }, params, _constants, entry) {
    const out = new Float64Array(params.rows * params.classes);
    if (entry === "forward") {
      eachRow(params, (start, end) => {
        const row = x.subarray(start, end);
        const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
        const sum = row.reduce((total, value) => total + Math.exp(value - largest), 0);
        row.forEach((value, j) => out[start + j] = value - largest - Math.log(sum));
      });
      return { y: out };
    }
    eachRow(params, (start, end) => {
      const sum = dy.subarray(start, end).reduce((a, b) => a + b, 0);
      for (let i = start; i < end; i++) out[i] = dy[i] - Math.exp(saved[i]) * sum;
    });
    return { dx: out };
  },
  gradients: [{ output: "y", input: "x", seed: "dy", gradient: "dx", saved: { saved: "y" } }],
  cases: [[1, 1], [64, 10], [300, 7], [3, 1001]].map(([rows, classes]) => ({
    params: { rows, classes },
  })),
  randomCase: (random) => ({
    params: { rows: randomInteger(random, 1, 200), classes: randomInteger(random, 1, 40) },
  }),
  benchCases: [{ params: { rows: 65_536, classes: 10 } }],
});
