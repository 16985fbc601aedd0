import { defineKernels, type KernelCase, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import source from "./bit_schedule.wgsl" with { type: "text" };

function scheduleCase(
  [channels, widest, bits, steps]: readonly [number, number, number, number],
): KernelCase {
  return { params: { channels, widest, bits, steps } };
}

/** Lowers the bit-width of learned grids as training goes on. */
export const bitScheduleKernels: Kernels<"lower"> = defineKernels({
  name: "bit_schedule",
  file: "kernels/bit_schedule/bit_schedule.wgsl",
  source,
  params: { channels: "u32", widest: "u32", bits: "u32", steps: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ channels }) => ({ clock: 1, limits: 2 * channels, step: channels }),
  entries: {
    lower: {
      reads: ["clock"],
      updates: ["limits", "step"],
      writes: [],
      flops: ({ channels }) => 2 * channels,
    },
  },
  workgroups: ({ channels }, { WORKGROUP_SIZE }) => linearGrid(channels, WORKGROUP_SIZE),
  // a division of 2.5 ULP and a root
  tolerance: { absolute: 0, relative: 1e-6 },
  generate: {
    clock: (random) => [randomInteger(random, 0, 1000)],
    limits: (random, _p, length) =>
      Array.from(
        { length },
        (_, i) => i % 2 ? 2 ** randomInteger(random, 1, 8) - 1 : -randomInteger(random, 0, 1),
      ),
  },
  reference({ clock, limits, step }, { widest, bits, steps }) {
    const length = Math.max(Math.floor(steps / (widest - bits + 1)), 1);
    const now = Math.max(widest - Math.floor(clock[0] / length), bits);
    const next = (isSigned: boolean) =>
      isSigned ? [-(2 ** (now - 1)), 2 ** (now - 1) - 1] : [0, 2 ** now - 1];
    return {
      limits: limits.map((_, i) => next(limits[i - i % 2] < 0)[i % 2]),
      step: step.map((learned, c) =>
        learned * Math.sqrt(limits[2 * c + 1] / next(limits[2 * c] < 0)[1])
      ),
    };
  },
  cases: [
    scheduleCase([1, 8, 2, 700]),
    scheduleCase([64, 8, 2, 700]),
    scheduleCase([3, 4, 4, 100]),
    scheduleCase([130, 16, 3, 2000]),
  ],
  randomCase: (random) => {
    const bits = randomInteger(random, 2, 8);
    return scheduleCase(
      [
        randomInteger(random, 1, 100),
        randomInteger(random, bits, 16),
        bits,
        randomInteger(random, 1, 1500),
      ],
    );
  },
});
