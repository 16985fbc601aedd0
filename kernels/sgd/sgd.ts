import { defineKernels, type Kernels, linearGrid } from "../../gpu/mod.ts";
import source from "./sgd.wgsl" with { type: "text" };

/**
 * Stochastic gradient descent with momentum over one flat buffer of parameters, with weight decay of
 * its first elements.
 */
export const sgdKernels: Kernels<"step"> = defineKernels({
  name: "sgd",
  file: "kernels/sgd/sgd.wgsl",
  source,
  params: { size: "u32", steps: "u32", momentum: "f32", decayed: "u32", weightDecay: "f32" },
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
      flops: ({ size }) => 6 * size,
      touched: ({ size }) => 5 * size,
    },
  },
  workgroups: ({ size }, { WORKGROUP_SIZE }) => linearGrid(Math.ceil(size / 16), WORKGROUP_SIZE),
  tolerance: { absolute: 1e-6, relative: 1e-6 },
  generate: { clock: () => [1] },
  reference({ gradient, clock, stepTable, parameter, velocity }, p, { NESTEROV }) {
    const rate = stepTable[4 * Math.min(clock[0], p.steps - 1)];
    const [momentum, weightDecay] = [p.momentum, p.weightDecay].map(Math.fround);
    const slope = gradient.map((g, i) => g + (i < p.decayed ? weightDecay * parameter[i] : 0));
    const now = velocity.map((value, i) => momentum * value + slope[i]);
    return {
      velocity: now,
      parameter: parameter.map((value, i) =>
        value - rate * (NESTEROV ? slope[i] + momentum * now[i] : now[i])
      ),
    };
  },
  cases: [4, 1028, 52_992].flatMap((size) =>
    [0, 1].map((NESTEROV) => ({
      params: {
        size,
        steps: 2,
        momentum: 0.9,
        decayed: size / 4 & ~3,
        weightDecay: 0.5 * NESTEROV,
      },
      constants: { NESTEROV },
    }))
  ),
  randomCase: (random) => ({
    params: {
      size: 4 * (101 + Math.floor(400 * random())),
      steps: 1,
      momentum: random(),
      decayed: 4 * Math.floor(101 * random()),
      weightDecay: random(),
    },
  }),
});
