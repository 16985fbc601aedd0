import { defineKernels, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import source from "./permute.wgsl" with { type: "text" };

/** Puts the columns of a matrix in another order. */
export const permuteKernels: Kernels<"gather"> = defineKernels({
  name: "permute",
  file: "kernels/permute/permute.wgsl",
  source,
  params: { rows: "u32", columns: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ rows, columns }) => ({ x: rows * columns, order: columns, y: rows * columns }),
  entries: {
    gather: { reads: ["x", "order"], writes: ["y"], flops: () => 0 },
  },
  workgroups: ({ rows, columns }, { WORKGROUP_SIZE }) =>
    linearGrid(Math.ceil(rows * columns / 4), WORKGROUP_SIZE),
  tolerance: "exact",
  generate: {
    order: (random, { columns }) =>
      Array.from({ length: columns }, () => randomInteger(random, 0, columns - 1)),
  },
  reference: ({ x, order }, { rows, columns }) => ({
    y: Float64Array.from({ length: rows * columns }, (_, i) => {
      const column = i % columns;
      return x[i - column + order[column]];
    }),
  }),
  cases: [
    { params: { rows: 1, columns: 1 } },
    { params: { rows: 64, columns: 784 } },
    { params: { rows: 3, columns: 7 } },
  ],
  randomCase: (random) => ({
    params: { rows: randomInteger(random, 1, 20), columns: randomInteger(random, 1, 50) },
  }),
  benchCases: [{ params: { rows: 4096, columns: 784 } }],
});
