import type { Device } from "../device.ts";
import { linearGrid } from "../grid.ts";
import { defineKernels, type Kernels } from "../kernel.ts";
import { run } from "../run.ts";
import { empty, zeros } from "../tensor.ts";
import { timeRepeatedly, type Timing } from "../timing.ts";
import copySource from "./copy.wgsl" with { type: "text" };
import fmaSource from "./fused_multiply_add.wgsl" with { type: "text" };

/** What an adapter can do at most, measured on the spot. */
export interface Roofline {
  /** Multiply-adds on registers, in operations a second. */
  readonly flopsPerSecond: number;
  /** A copy kernel over 128 MiB in all, in bytes a second, reads and writes together. */
  readonly bytesPerSecond: number;
}

/** Operations of one iteration of one invocation: 4 x 4 x 8 vectors of 4 multiply-adds. */
const FLOPS_AN_ITERATION = 4 * 4 * 8 * 4 * 2;

const fmaKernels: Kernels<"roof"> = defineKernels({
  name: "fused_multiply_add",
  file: "gpu/roofline/fused_multiply_add.wgsl",
  source: fmaSource,
  params: { invocations: "u32", iterations: "u32", factor: "f32", term: "f32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ invocations }) => ({ y: invocations }),
  entries: {
    roof: {
      reads: [],
      writes: ["y"],
      flops: ({ invocations, iterations }) => invocations * iterations * FLOPS_AN_ITERATION,
      loopIterations: ({ iterations }) => 5 * iterations,
    },
  },
  workgroups: ({ invocations }, { WORKGROUP_SIZE }) => linearGrid(invocations, WORKGROUP_SIZE),
  tolerance: { absolute: 0, relative: 1e-3 },
  reference(_inputs, { invocations, iterations, factor, term }) {
    const a = Math.fround(factor);
    const b = Math.fround(term);
    return {
      y: Float64Array.from({ length: invocations }, (_, lane) => {
        let sum = 0;
        for (let vector = 0; vector < 8; vector++) {
          let x = lane + vector;
          for (let i = 0; i < 16 * iterations; i++) x = x * a + b;
          sum += 4 * x;
        }
        return sum;
      }),
    };
  },
  cases: [{ params: { invocations: 100, iterations: 3, factor: 0.99, term: 0.5 } }],
});

const copyKernels: Kernels<"copy"> = defineKernels({
  name: "copy",
  file: "gpu/roofline/copy.wgsl",
  source: copySource,
  params: { size: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ size }) => ({ x: size, y: size }),
  entries: { copy: { reads: ["x"], writes: ["y"], flops: () => 0 } },
  workgroups: ({ size }, { WORKGROUP_SIZE }) => linearGrid(Math.ceil(size / 16), WORKGROUP_SIZE),
  tolerance: "exact",
  reference: ({ x }) => ({ y: x }),
  cases: [4, 68, 10_000].map((size) => ({ params: { size } })),
});

/** The kernels that measure the roof. */
export const rooflineKernels: readonly [Kernels<"roof">, Kernels<"copy">] = [
  fmaKernels,
  copyKernels,
];

/** Elements copied: 64 MiB, out of reach of any cache, within every binding limit. */
const COPY_SIZE = 2 ** 24;
const FMA_INVOCATIONS = 2 ** 16;
const FMA_ITERATIONS = { software: 4, gpu: 2000 };

/**
 * Measures what an adapter can do at most.
 *
 * @param device The device.
 * @param seconds How long to measure each of the two roofs at least.
 * @returns Peak arithmetic and peak memory traffic, medians.
 */
export async function measureRoofline(device: Device, seconds: number = 0.3): Promise<Roofline> {
  using _scope = device.scope();
  const iterations = device.isSoftware ? FMA_ITERATIONS.software : FMA_ITERATIONS.gpu;
  const params = { invocations: FMA_INVOCATIONS, iterations, factor: 0.999, term: 0.001 };
  const y = empty(device, [FMA_INVOCATIONS]);
  const arithmetic: Timing = await timeRepeatedly(device, seconds, () => {
    run(fmaKernels.roof, {}, params, { into: { y } });
  });
  const source = zeros(device, [COPY_SIZE]);
  const target = empty(device, [COPY_SIZE]);
  const memory: Timing = await timeRepeatedly(device, seconds, () => {
    run(copyKernels.copy, { x: source }, { size: COPY_SIZE }, { into: { y: target } });
  });
  return {
    flopsPerSecond: fmaKernels.roof.spec.flops(params, {}) / (arithmetic.median / 1e3),
    bytesPerSecond: 8 * COPY_SIZE / (memory.median / 1e3),
  };
}
