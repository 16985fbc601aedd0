import { defineKernels, type KernelCase, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import source from "./squared_error.wgsl" with { type: "text" };

function squaredErrorCase(networks: number, targetRows: number, features: number): KernelCase {
  return { params: { rows: networks * targetRows, features, targetRows } };
}

/** The mean squared error of every row, and its gradient. */
export const squaredErrorKernels: Kernels<"forward" | "backward"> = defineKernels({
  name: "squared_error",
  file: "kernels/squared_error/squared_error.wgsl",
  source,
  params: { rows: "u32", features: "u32", targetRows: "u32" },
  constants: { WORKGROUP_SIZE: 64, LANES: 64 },
  lengths: ({ rows, features, targetRows }) => ({
    y: rows * features,
    wanted: targetRows * features,
    losses: rows,
    dLosses: rows,
    dy: rows * features,
  }),
  entries: {
    forward: {
      reads: ["y", "wanted"],
      writes: ["losses"],
      flops: ({ rows, features }) => 3 * rows * features,
      workgroups: ({ rows }) => linearGrid(rows, 1),
      loopIterations: ({ features }, { LANES }) => Math.ceil(features / LANES) + 8,
    },
    backward: {
      reads: ["y", "wanted", "dLosses"],
      writes: ["dy"],
      flops: ({ rows, features }) => 3 * rows * features,
    },
  },
  workgroups: ({ rows, features }, { WORKGROUP_SIZE }) =>
    linearGrid(Math.ceil(rows * features / 16), WORKGROUP_SIZE),
  tolerance: { absolute: 1e-6, relative: 1e-5 },
  reference({ y, wanted, dLosses }, { rows, features, targetRows }, _constants, entry) {
    const targetOf = (i: number) => i % (targetRows * features);
    if (entry === "backward") {
      const dy = y.map((value, i) =>
        dLosses[Math.floor(i / features)] * 2 * (value - wanted[targetOf(i)]) / features
      );
      return { dy };
    }
    const losses = new Float64Array(rows);
    y.forEach((value, i) => {
      losses[Math.floor(i / features)] += (value - wanted[targetOf(i)]) ** 2 / features;
    });
    return { losses };
  },
  gradients: [{ output: "losses", input: "y", seed: "dLosses", gradient: "dy" }],
  cases: [
    squaredErrorCase(1, 1, 1),
    squaredErrorCase(1, 64, 10),
    squaredErrorCase(3, 7, 9),
    squaredErrorCase(2, 5, 16),
    squaredErrorCase(1, 3, 5_003),
  ],
  randomCase: (random) =>
    squaredErrorCase(
      randomInteger(random, 1, 4),
      randomInteger(random, 1, 20),
      randomInteger(random, 1, 90),
    ),
  benchCases: [squaredErrorCase(1, 65_536, 10), squaredErrorCase(1, 64, 2 ** 14)],
});
