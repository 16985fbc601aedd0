import { defineKernels, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { randomInteger, uniformAt } from "../random_source.ts";
import source from "./random.wgsl" with { type: "text" };

/** Counter-based uniform and normal numbers; the same integers as on the host. */
export const randomKernels: Kernels<"fillUniform" | "fillNormal"> = defineKernels({
  name: "random",
  file: "kernels/random/random.wgsl",
  source,
  params: { size: "u32", key: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ size }) => ({ y: size }),
  entries: {
    fillUniform: { reads: [], writes: ["y"], flops: ({ size }) => 14 * size },
    fillNormal: { reads: [], writes: ["y"], flops: ({ size }) => 40 * size },
  },
  workgroups: ({ size }, { WORKGROUP_SIZE }) => linearGrid(Math.ceil(size / 4), WORKGROUP_SIZE),
  // uniforms are exact; log, sqrt and cos of a GPU are not
  tolerance: (_params, entry) =>
    entry === "fillUniform" ? "exact" : { absolute: 2e-5, relative: 1e-5 },
  reference: (_inputs, { size, key }, _constants, entry) => ({
    y: Float64Array.from({ length: size }, (_, i) => {
      if (entry === "fillUniform") return uniformAt(key, i);
      const radius = Math.sqrt(-2 * Math.log(1 - uniformAt(key, 2 * i)));
      return radius * Math.cos(2 * Math.PI * uniformAt(key, 2 * i + 1));
    }),
  }),
  cases: [1, 5, 4099].map((size) => ({ params: { size, key: 0x9e3779b9 } })),
  randomCase: (random) => ({
    params: { size: randomInteger(random, 1, 3000), key: randomInteger(random, 0, 2 ** 32 - 1) },
  }),
  benchCases: [{ params: { size: 2 ** 24, key: 7 } }],
});
