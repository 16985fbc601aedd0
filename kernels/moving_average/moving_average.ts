import { defineKernels, type Kernels, linearGrid } from "../../gpu/mod.ts";
import source from "./moving_average.wgsl" with { type: "text" };

/**
 * The exponential moving average of one flat buffer of parameters.
 *
 * @see Polyak and Juditsky 1992, doi:10.1137/0330046
 */
export const movingAverageKernels: Kernels<"update"> = defineKernels({
  name: "moving_average",
  file: "kernels/moving_average/moving_average.wgsl",
  source,
  params: { size: "u32", steps: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ size, steps }) => ({
    parameter: size,
    clock: 1,
    stepTable: 4 * steps,
    average: size,
  }),
  entries: {
    update: {
      reads: ["parameter", "clock", "stepTable"],
      writes: [],
      updates: ["average"],
      flops: ({ size }) => 3 * size,
      touched: ({ size }) => 3 * size,
    },
  },
  workgroups: ({ size }, { WORKGROUP_SIZE }) => linearGrid(Math.ceil(size / 16), WORKGROUP_SIZE),
  tolerance: { absolute: 1e-6, relative: 1e-6 },
  generate: {
    clock: () => [1],
    stepTable: (random, _params, length) => Array.from({ length }, () => random()),
  },
  reference({ parameter, clock, stepTable, average }, { steps }) {
    const share = stepTable[4 * Math.min(clock[0], steps - 1) + 3];
    return { average: average.map((value, i) => value + share * (parameter[i] - value)) };
  },
  cases: [4, 64, 1028, 52_992].map((size) => ({ params: { size, steps: 3 } })),
  randomCase: (random) => ({
    params: { size: 4 * (1 + Math.floor(500 * random())), steps: 1 + Math.floor(4 * random()) },
  }),
});
