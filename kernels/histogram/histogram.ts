import { defineKernels, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { randomInteger, standardNormal } from "../random_source.ts";
import { COUNT_SLOTS, slotOf } from "./bins.ts";
import source from "./histogram.wgsl" with { type: "text" };

/** Counts values by sign, exponent and the first ten bits of the mantissa, batch upon batch. */
export const histogramKernels: Kernels<"accumulate"> = defineKernels({
  name: "histogram",
  file: "kernels/histogram/histogram.wgsl",
  source,
  params: { size: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ size }) => ({ x: size, counts: COUNT_SLOTS }),
  entries: {
    accumulate: {
      reads: ["x"],
      writes: [],
      updates: ["counts"],
      flops: ({ size }) => 6 * size,
      touched: ({ size }) => 3 * size,
      loopIterations: () => 20,
    },
  },
  workgroups: ({ size }, { WORKGROUP_SIZE }) => linearGrid(Math.ceil(size / 16), WORKGROUP_SIZE),
  tolerance: "exact",
  generate: {
    // every octave and both ends of the range, zeros and numbers that are not finite
    x: (random, _params, length) =>
      Array.from({ length }, () => {
        const kind = randomInteger(random, 0, 9);
        if (kind === 0) return 0;
        if (kind === 1) return [Infinity, -Infinity, NaN][randomInteger(random, 0, 2)];
        return standardNormal(random) * 2 ** (kind < 6 ? 0 : randomInteger(random, -36, 36));
      }),
    counts: (random, _params, length) =>
      Array.from({ length }, () => randomInteger(random, 0, 1000)),
  },
  reference({ x, counts }) {
    const sums = counts.slice();
    for (const value of x) sums[slotOf(value)]++;
    return { counts: sums };
  },
  cases: [1, 7, 64, 4099, 100_000].map((size) => ({ params: { size } })),
  randomCase: (random) => ({ params: { size: randomInteger(random, 1, 5000) } }),
  benchCases: [{ params: { size: 2 ** 22 } }],
});
