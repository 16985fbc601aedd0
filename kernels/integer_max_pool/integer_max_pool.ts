import { defineKernels, type KernelCase, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { maxPoolParams, type MaxPoolShape } from "../max_pool/max_pool.ts";
import { randomInteger } from "../random_source.ts";
import source from "./integer_max_pool.wgsl" with { type: "text" };

function poolCase(shape: MaxPoolShape): KernelCase {
  return { params: maxPoolParams(shape) };
}

/** Max pooling of integer codes; params are those of `maxPoolParams`. */
export const integerMaxPoolKernels: Kernels<"forward"> = defineKernels({
  name: "integer_max_pool",
  file: "kernels/integer_max_pool/integer_max_pool.wgsl",
  source,
  params: {
    planes: "u32",
    inHeight: "u32",
    inWidth: "u32",
    outHeight: "u32",
    outWidth: "u32",
    size: "u32",
    stride: "u32",
  },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: (p) => ({
    x: p.planes * p.inHeight * p.inWidth,
    y: p.planes * p.outHeight * p.outWidth,
  }),
  entries: {
    forward: {
      reads: ["x"],
      writes: ["y"],
      flops: (p) => p.planes * p.outHeight * p.outWidth * p.size * p.size,
      loopIterations: ({ size }) => size * (size + 1),
    },
  },
  workgroups: (p, { WORKGROUP_SIZE }) =>
    linearGrid(p.planes * p.outHeight * p.outWidth, WORKGROUP_SIZE),
  tolerance: "exact",
  generate: {
    x: (random, _p, length) => Array.from({ length }, () => randomInteger(random, -128, 255)),
  },
  reference({ x }, p) {
    const y = Float64Array.from({ length: p.planes * p.outHeight * p.outWidth }, (_, i) => {
      const row = Math.floor(i / p.outWidth) % p.outHeight * p.stride;
      const column = i % p.outWidth * p.stride;
      const plane = Math.floor(i / (p.outWidth * p.outHeight));
      let largest = -Infinity;
      for (let tap = 0; tap < p.size * p.size; tap++) {
        const line = plane * p.inHeight + row + Math.floor(tap / p.size);
        largest = Math.max(largest, x[line * p.inWidth + column + tap % p.size]);
      }
      return largest;
    });
    return { y };
  },
  cases: [
    poolCase({ planes: 1, inHeight: 1, inWidth: 1, size: 1 }),
    poolCase({ planes: 12, inHeight: 28, inWidth: 28, size: 2 }),
    poolCase({ planes: 3, inHeight: 9, inWidth: 7, size: 3, stride: 2 }),
  ],
  randomCase: (random) =>
    poolCase({
      planes: randomInteger(random, 1, 9),
      inHeight: randomInteger(random, 4, 15),
      inWidth: randomInteger(random, 4, 15),
      size: randomInteger(random, 1, 4),
      stride: randomInteger(random, 1, 4),
    }),
  benchCases: [poolCase({ planes: 32 * 64, inHeight: 32, inWidth: 32, size: 2 })],
});
