import { defineKernels, type Kernels, type KernelSpec, linearGrid } from "../../gpu/mod.ts";

/** A shader as small as one can be that has every kind of binding. */
const SOURCE = `
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32, rounds: u32, factor: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> total: array<f32>;
@group(0) @binding(3) var<storage, read_write> twin: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn scale(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.size) { return; }
  var value = x[id.x];
  for (var i = 0u; i < params.rounds; i++) { value *= params.factor; }
  y[id.x] = value;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn accumulate(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.size) { total[id.x] += params.factor * x[id.x]; }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn split(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.size) { return; }
  y[id.x] = x[id.x];
  twin[id.x] = params.factor * x[id.x];
}
`;

type Entry = "scale" | "accumulate" | "split";

/** The declaration that fits the shader; tests vary one thing of it. */
export const scaleSpec: KernelSpec<Entry> = {
  name: "scale",
  file: "tests/gpu/scale.wgsl",
  source: SOURCE,
  params: { size: "u32", rounds: "u32", factor: "f32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ size }) => ({ x: size, y: size, total: size, twin: size }),
  entries: {
    scale: {
      reads: ["x"],
      writes: ["y"],
      flops: ({ size, rounds }) => size * rounds,
      loopIterations: ({ rounds }) => rounds,
    },
    accumulate: { reads: ["x"], writes: [], updates: ["total"], flops: ({ size }) => 2 * size },
    split: { reads: ["x"], writes: ["y", "twin"], flops: ({ size }) => size },
  },
  workgroups: ({ size }, { WORKGROUP_SIZE }) => linearGrid(size, WORKGROUP_SIZE),
  tolerance: "exact",
  reference: ({ x }, { factor, rounds }) => ({ y: x.map((value) => value * factor ** rounds) }),
  cases: [{ params: { size: 3, rounds: 1, factor: 2 } }],
};

/** `y = factor^rounds x`, `total += factor x`, and `y = x, twin = factor x`. */
export const scaleKernels: Kernels<Entry> = defineKernels(scaleSpec);

/** Params for n elements that are scaled once. */
export function scaleParams(size: number, factor: number = 2) {
  return { size, rounds: 1, factor };
}
