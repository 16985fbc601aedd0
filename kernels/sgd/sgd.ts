import { defineKernels, type Kernels, linearGrid } from "../../gpu/mod.ts";
import source from "./sgd.wgsl" with { type: "text" };

/** Stochastic gradient descent with momentum over one flat buffer of parameters. */
export const sgdKernels: Kernels<"step"> = defineKernels({
  name: "sgd",
  file: "kernels/sgd/sgd.wgsl",
  source,
  params: { size: "u32", steps: "u32", momentum: "f32" },
  constants: { WORKGROUP_SIZE: 64, NESTEROV: 0 },
  lengths: ({ size, steps }) => ({
    gradient: size,
    parameter: size,
    velocity: size,
    clock: 1,
    stepTable: 4 * steps,
  }),
  entries: {
    step: {
      reads: ["gradient", "clock", "stepTable"],
      writes: [],
      updates: ["parameter", "velocity"],
      flops: ({ size }) => 4 * size,
      touched: ({ size }) => 5 * size,
    },
  },
  workgroups: ({ size }, { WORKGROUP_SIZE }) => linearGrid(Math.ceil(size / 16), WORKGROUP_SIZE),
  tolerance: { absolute: 1e-6, relative: 1e-6 },
  generate: { clock: () => [1] },
  reference({ gradient, clock, stepTable, parameter, velocity }, p, { NESTEROV }) {
    const rate = stepTable[4 * Math.min(clock[0], p.steps - 1)];
    const momentum = Math.fround(p.momentum);
    const now = velocity.map((value, i) => momentum * value + gradient[i]);
    return {
      velocity: now,
      parameter: parameter.map((value, i) =>
        value - rate * (NESTEROV ? gradient[i] + momentum * now[i] : now[i])
      ),
    };
  },
  cases: [4, 1028, 52_992].flatMap((size) =>
    [0, 1].map((NESTEROV) => ({
      params: { size, steps: 2, momentum: 0.9 },
      constants: { NESTEROV },
    }))
  ),
  randomCase: (random) => ({
    params: { size: 4 * (1 + Math.floor(500 * random())), steps: 1, momentum: random() },
  }),
});
