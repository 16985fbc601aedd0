import { defineKernels, type KernelCase, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import source from "./integer_plane_sum.wgsl" with { type: "text" };

function planes(count: number, size: number, rectified: 0 | 1): KernelCase {
  return { params: { planes: count, size, rectified } };
}

/** The sum of integers over all positions of a channel: `planes` of `size`, `rectified` 0 or 1. */
export const integerPlaneSumKernels: Kernels<"forward"> = defineKernels({
  name: "integer_plane_sum",
  file: "kernels/integer_plane_sum/integer_plane_sum.wgsl",
  source,
  params: { planes: "u32", size: "u32", rectified: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: (p) => ({ x: p.planes * p.size, y: p.planes }),
  entries: {
    forward: {
      reads: ["x"],
      writes: ["y"],
      flops: (p) => p.planes * p.size,
      loopIterations: ({ size }) => size,
    },
  },
  workgroups: (p, { WORKGROUP_SIZE }) => linearGrid(p.planes, WORKGROUP_SIZE),
  tolerance: "exact",
  generate: {
    x: (random, { size }, length) => {
      const most = Math.floor((2 ** 31 - 1) / size);
      return Array.from({ length }, () => randomInteger(random, -most, most));
    },
  },
  reference({ x }, { planes, size, rectified }) {
    const least = rectified === 1 ? 0 : -Infinity;
    const y = new Float64Array(planes);
    x.forEach((value, i) => y[Math.floor(i / size)] += Math.max(value, least));
    return { y };
  },
  cases: [planes(1, 1, 0), planes(1, 1, 1), planes(5, 49, 0), planes(130, 64, 1)],
  randomCase: (random) =>
    planes(
      randomInteger(random, 1, 200),
      randomInteger(random, 1, 100),
      random() < 0.5 ? 0 : 1,
    ),
  benchCases: [planes(1024 * 64, 64, 1)],
});
