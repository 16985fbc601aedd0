import { defineKernels, type KernelCase, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import source from "./bit_schedule.wgsl" with { type: "text" };

function scheduleCase(
  [channels, widest, bits, steps]: readonly [number, number, number, number],
  SIGNED: number,
): KernelCase {
  return { params: { channels, widest, bits, steps }, constants: { SIGNED } };
}

/** Lowers the bit-width of learned grids as training goes on. */
export const bitScheduleKernels: Kernels<"lower"> = defineKernels({
  name: "bit_schedule",
  file: "kernels/bit_schedule/bit_schedule.wgsl",
  source,
  params: { channels: "u32", widest: "u32", bits: "u32", steps: "u32" },
  constants: { SIGNED: 0, WORKGROUP_SIZE: 64 },
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
  // a division of 2.5 ULP
  tolerance: { absolute: 0, relative: 1e-6 },
  generate: {
    clock: (random) => [randomInteger(random, 0, 1000)],
    limits: (random, _p, length) =>
      Array.from({ length }, (_, i) => i % 2 ? 2 ** randomInteger(random, 1, 8) - 1 : 0),
  },
  reference({ clock, limits, step }, { widest, bits, steps }, { SIGNED }) {
    const length = Math.max(Math.floor(steps / (widest - bits + 1)), 1);
    const now = Math.max(widest - Math.floor(clock[0] / length), bits);
    const next = SIGNED ? [-(2 ** (now - 1)), 2 ** (now - 1) - 1] : [0, 2 ** now - 1];
    return {
      limits: limits.map((_, i) => next[i % 2]),
      step: step.map((learned, c) => learned * limits[2 * c + 1] / next[1]),
    };
  },
  cases: [
    scheduleCase([1, 8, 2, 700], 0),
    scheduleCase([64, 8, 2, 700], 1),
    scheduleCase([3, 4, 4, 100], 0),
    scheduleCase([130, 16, 3, 2000], 1),
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
      randomInteger(random, 0, 1),
    );
  },
});
