import {
  defineKernels,
  type Device,
  type EntrySpec,
  type Kernels,
  type KernelSpec,
  linearGrid,
  type Numbers,
} from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import laneSource from "./by_lane.wgsl" with { type: "text" };
import workgroupSource from "./by_workgroup.wgsl" with { type: "text" };

/** What an axis can be reduced to. */
export type Reduction = "sum" | "minimum" | "maximum" | "argmax";

/**
 * Params of a reduction over the middle axis of `[outer, axis, inner]`.
 *
 * @param outer Product of the axes before.
 * @param axis Elements that are reduced.
 * @param inner Product of the axes behind.
 * @param parts Results that each axis is reduced to; more than 1 where an axis is too long for one
 *   dispatch, and a second one reduces the parts.
 * @param scale Factor of a sum: 1 / axis makes it a mean.
 * @returns The params of the kernel.
 */
export function reduceParams(
  outer: number,
  axis: number,
  inner: number,
  parts: number = 1,
  scale: number = 1,
): Numbers {
  return { outer, axis, inner, parts, scale };
}

const mathematics: Omit<
  KernelSpec<Reduction>,
  "variant" | "file" | "source" | "constants" | "workgroups" | "entries"
> = {
  name: "reduce",
  params: { outer: "u32", axis: "u32", inner: "u32", parts: "u32", scale: "f32" },
  lengths: ({ outer, axis, inner, parts }) => ({
    x: outer * axis * inner,
    y: outer * parts * inner,
    indices: outer * inner,
  }),
  // one rounding an addition, of partial sums that grow like the square root of their count
  tolerance: ({ axis }, entry) =>
    entry === "sum" ? { absolute: 1e-6 + 5e-8 * axis, relative: 1e-6 } : "exact",
  reference({ x }, { outer, axis, inner, parts, scale }, _constants, entry) {
    const y = new Float64Array(outer * parts * inner);
    const indices = new Uint32Array(outer * inner);
    for (let i = 0; i < y.length; i++) {
      const part = Math.floor(i / inner) % parts;
      const start = Math.floor(i / inner / parts) * axis;
      const values: number[] = [];
      for (let k = part; k < axis; k += parts) values.push(x[(start + k) * inner + i % inner]);
      const best = (f: (a: number, b: number) => number) => values.reduce((a, b) => f(a, b));
      if (entry === "sum") y[i] = scale * best((a, b) => a + b);
      else if (entry === "minimum") y[i] = best(Math.min);
      else y[i] = best(Math.max);
      if (entry === "argmax") indices[i] = values.indexOf(y[i]);
    }
    return { y, indices };
  },
  cases: [
    { params: reduceParams(1, 1, 1) },
    { params: reduceParams(3, 7, 5) },
    { params: reduceParams(1, 10_000, 1) },
    { params: reduceParams(5, 100, 3, 1, 1 / 100), entries: ["sum"] },
    { params: reduceParams(2, 1001, 3, 4), entries: ["sum", "minimum", "maximum"] },
  ],
  randomCase: (random) => ({
    params: reduceParams(
      randomInteger(random, 1, 6),
      randomInteger(random, 1, 300),
      randomInteger(random, 1, 9),
    ),
  }),
  benchCases: [
    { params: reduceParams(4096, 1024, 1), entries: ["sum", "maximum"] },
    { params: reduceParams(1, 4096, 1024), entries: ["sum"] },
  ],
};

function entries(
  loopIterations: (params: Numbers, constants: Numbers) => number,
): Record<Reduction, EntrySpec> {
  const flops = ({ outer, axis, inner }: Numbers) => outer * axis * inner;
  const entry = (output: string): EntrySpec => ({
    reads: ["x"],
    writes: [output],
    flops,
    loopIterations,
  });
  return { sum: entry("y"), minimum: entry("y"), maximum: entry("y"), argmax: entry("indices") };
}

/** One invocation an axis: for software adapters, and for GPUs where there are many axes. */
export const reduceByLaneKernels: Kernels<Reduction> = defineKernels({
  ...mathematics,
  variant: "by_lane",
  file: "kernels/reduce/by_lane.wgsl",
  source: laneSource,
  constants: { WORKGROUP_SIZE: 64 },
  entries: entries(({ axis, parts }) => Math.ceil(axis / parts)),
  workgroups: ({ outer, inner, parts }, { WORKGROUP_SIZE }) =>
    linearGrid(outer * inner * parts, WORKGROUP_SIZE),
});

/** One workgroup an axis: for GPUs where axes are few and long. */
export const reduceByWorkgroupKernels: Kernels<Reduction> = defineKernels({
  ...mathematics,
  variant: "by_workgroup",
  file: "kernels/reduce/by_workgroup.wgsl",
  source: workgroupSource,
  constants: { LANES: 256 },
  entries: entries(({ axis, parts }, { LANES }) => Math.ceil(axis / parts / LANES) + 8),
  workgroups: ({ outer, inner, parts }) => linearGrid(outer * inner * parts, 1),
});

/** Longest axis that one invocation may walk: beyond, some adapters cut its loop. */
const LONGEST_WALK = 60_000;

/** As many axes as keep a GPU busy with one invocation each. */
const MANY_AXES = 16_384;

/**
 * Chooses how to reduce on an adapter.
 *
 * @param device Where it will run.
 * @param params Params of the reduction.
 * @returns The variant.
 */
export function chooseReduce(
  device: Device,
  { outer, axis, inner, parts }: Numbers,
): Kernels<Reduction> {
  const axes = outer * inner * parts;
  const isWalkable = Math.ceil(axis / parts) <= LONGEST_WALK;
  return isWalkable && (device.isSoftware || axes >= MANY_AXES)
    ? reduceByLaneKernels
    : reduceByWorkgroupKernels;
}
