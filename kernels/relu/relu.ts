import { defineKernels, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import source from "./relu.wgsl" with { type: "text" };

/** The rectified linear unit `y = max(x, 0)` and its gradient. */
export const reluKernels: Kernels<"forward" | "backward"> = defineKernels({
  name: "relu",
  file: "kernels/relu/relu.wgsl",
  source,
  params: { size: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ size }) => ({ x: size, y: size, activated: size, dy: size, dx: size }),
  entries: {
    forward: { reads: ["x"], writes: ["y"], flops: ({ size }) => size },
    backward: { reads: ["activated", "dy"], writes: ["dx"], flops: ({ size }) => size },
  },
  workgroups: ({ size }, { WORKGROUP_SIZE }) => linearGrid(Math.ceil(size / 16), WORKGROUP_SIZE),
  tolerance: "exact",
  reference: ({ x, activated, dy }, _params, _constants, entry) =>
    entry === "forward"
      ? { y: x.map((value) => Math.max(value, 0)) }
      : { dx: dy.map((value, i) => activated[i] > 0 ? value : 0) },
  gradients: [
    { output: "y", input: "x", seed: "dy", gradient: "dx", saved: { activated: "y" } },
  ],
  cases: [1, 3, 64, 1025, 50_176].map((size) => ({ params: { size } })),
  randomCase: (random) => ({ params: { size: randomInteger(random, 1, 5000) } }),
  benchCases: [{ params: { size: 2 ** 24 } }],
});
