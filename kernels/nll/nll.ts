import { defineKernels, type Kernels, linearGrid, type Numbers } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import source from "./nll.wgsl" with { type: "text" };

function nllParams(networks: number, labelRows: number, classes: number): Numbers {
  return { rows: networks * labelRows, classes, labelRows };
}

/** The negative log-likelihood of labels under log-probabilities, and its gradient. */
export const nllKernels: Kernels<"forward" | "backward"> = defineKernels({
  name: "nll",
  file: "kernels/nll/nll.wgsl",
  source,
  params: { rows: "u32", classes: "u32", labelRows: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ rows, classes, labelRows }) => ({
    y: rows * classes,
    labels: labelRows,
    losses: rows,
    dLosses: rows,
    dy: rows * classes,
  }),
  entries: {
    forward: {
      reads: ["y", "labels"],
      writes: ["losses"],
      flops: ({ rows }) => rows,
      touched: ({ rows, labelRows }) => 2 * rows + labelRows,
    },
    backward: {
      reads: ["labels", "dLosses"],
      writes: ["dy"],
      flops: ({ rows }) => rows,
      workgroups: ({ rows, classes }, { WORKGROUP_SIZE }) =>
        linearGrid(Math.ceil(rows * classes / 4), WORKGROUP_SIZE),
      loopIterations: () => 4,
    },
  },
  workgroups: ({ rows }, { WORKGROUP_SIZE }) => linearGrid(rows, WORKGROUP_SIZE),
  tolerance: "exact",
  generate: {
    labels: (random, { classes }, length) =>
      Array.from({ length }, () => randomInteger(random, 0, classes - 1)),
  },
  reference({ y, labels, dLosses }, { rows, classes, labelRows }, _constants, entry) {
    const losses = new Float64Array(rows);
    const dy = new Float64Array(rows * classes);
    for (let r = 0; r < rows; r++) {
      const at = r * classes + labels[r % labelRows];
      if (entry === "forward") losses[r] = -y[at];
      else dy[at] = -dLosses[r];
    }
    return entry === "forward" ? { losses } : { dy };
  },
  gradients: [{ output: "losses", input: "y", seed: "dLosses", gradient: "dy" }],
  cases: [
    { params: nllParams(1, 1, 1) },
    { params: nllParams(1, 64, 10) },
    { params: nllParams(3, 101, 3) },
    { params: nllParams(2, 3, 1001) },
  ],
  randomCase: (random) => ({
    params: nllParams(
      randomInteger(random, 1, 4),
      randomInteger(random, 1, 80),
      randomInteger(random, 1, 40),
    ),
  }),
  benchCases: [{ params: nllParams(1, 65_536, 10) }],
});
