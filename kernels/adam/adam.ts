import { defineKernels, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { standardNormal } from "../random_source.ts";
import source from "./adam.wgsl" with { type: "text" };

/**
 * Adam over one flat buffer of parameters, with decoupled weight decay of its first elements.
 *
 * @see Kingma and Ba 2015, arXiv:1412.6980; Loshchilov and Hutter 2019, arXiv:1711.05101
 */
export const adamKernels: Kernels<"step"> = defineKernels({
  name: "adam",
  file: "kernels/adam/adam.wgsl",
  source,
  params: {
    size: "u32",
    steps: "u32",
    beta1: "f32",
    beta2: "f32",
    epsilon: "f32",
    decayed: "u32",
    weightDecay: "f32",
  },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ size, steps }) => ({
    gradient: size,
    parameter: size,
    m: size,
    v: size,
    clock: 1,
    stepTable: 4 * steps,
  }),
  entries: {
    step: {
      reads: ["gradient", "clock", "stepTable"],
      writes: [],
      updates: ["parameter", "m", "v"],
      flops: ({ size }) => 16 * size,
      touched: ({ size }) => 7 * size,
    },
  },
  workgroups: ({ size }, { WORKGROUP_SIZE }) => linearGrid(Math.ceil(size / 16), WORKGROUP_SIZE),
  tolerance: { absolute: 2e-6, relative: 2e-6 },
  generate: {
    clock: () => [1],
    stepTable: (random, { steps }) =>
      Array.from({ length: 4 * steps }, (_, i) => i % 4 === 0 ? 0.01 : 1 + random()),
    v: (random, _params, length) => Array.from({ length }, () => random()),
  },
  reference({ gradient, clock, stepTable, parameter, m, v }, p) {
    const row = 4 * Math.min(clock[0], p.steps - 1);
    const [rate, correction1, correction2] = stepTable.subarray(row, row + 3);
    const [beta1, beta2, epsilon, weightDecay] = [p.beta1, p.beta2, p.epsilon, p.weightDecay]
      .map(Math.fround);
    const kept = (i: number) => i < p.decayed ? 1 - rate * weightDecay : 1;
    const first = m.map((value, i) => beta1 * value + (1 - beta1) * gradient[i]);
    const second = v.map((value, i) => beta2 * value + (1 - beta2) * gradient[i] ** 2);
    return {
      m: first,
      v: second,
      parameter: parameter.map((value, i) =>
        kept(i) * value -
        rate * first[i] * correction1 / (Math.sqrt(second[i]) * correction2 + epsilon)
      ),
    };
  },
  cases: [4, 64, 1028, 52_992].map((size, i) => ({
    params: {
      size,
      steps: 3,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      decayed: i === 0 ? size : size / 4 & ~3,
      weightDecay: 0.5 * i,
    },
  })),
  randomCase: (random) => ({
    params: {
      size: 4 * (101 + Math.floor(400 * random())),
      decayed: 4 * Math.floor(101 * random()),
      weightDecay: random(),
      steps: 1 + Math.floor(4 * random()),
      beta1: 0.5 + 0.4 * Math.abs(Math.tanh(standardNormal(random))),
      beta2: 0.99,
      epsilon: 1e-6,
    },
  }),
});
