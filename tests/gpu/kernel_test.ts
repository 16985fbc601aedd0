import assert from "node:assert/strict";
import { bytesMoved, defineKernels, type KernelSpec, parseWgsl } from "../../gpu/mod.ts";
import { packParams } from "../../gpu/kernel.ts";
import { scaleKernels, scaleParams, scaleSpec } from "./scale_kernels.ts";

const { entries } = scaleSpec;

Deno.test("defineKernels() gives the entries by name, with their bindings in shader order", () => {
  const { split, kernels } = scaleKernels;
  assert.deepEqual(kernels.map(({ label }) => label), [
    "scale.scale",
    "scale.accumulate",
    "scale.split",
  ]);
  assert.deepEqual(split.bindings.map(({ name, written }) => [name, written]), [
    ["x", false],
    ["y", true],
    ["twin", true],
  ]);
});

Deno.test("defineKernels() puts the variant into the label", () => {
  const { scale } = defineKernels({ ...scaleSpec, variant: "naive" });
  assert.equal(scale.label, "scale.naive.scale");
});

Deno.test("defineKernels() refuses a declaration that differs from its shader", () => {
  const refusals: [Partial<KernelSpec<string>>, string][] = [
    [
      { params: { size: "u32", factor: "f32", rounds: "u32" } },
      "params differ from the shader: declared [size: u32, factor: f32, rounds: u32], " +
      "shader has [size: u32, rounds: u32, factor: f32]",
    ],
    [
      { params: { size: "u32", rounds: "i32", factor: "f32" } },
      "params differ from the shader: declared [size: u32, rounds: i32, factor: f32], " +
      "shader has [size: u32, rounds: u32, factor: f32]",
    ],
    [
      { constants: { WORKGROUP_SIZE: 64, LANES: 8 } },
      "constants differ from the shader: declared [WORKGROUP_SIZE, LANES], shader has " +
      "[WORKGROUP_SIZE]",
    ],
    [
      { constants: undefined },
      "constants differ from the shader: declared [], shader has [WORKGROUP_SIZE]",
    ],
    [
      { entries: { scale: entries.scale, split: entries.split } },
      "entries differ from the shader: declared [scale, split], shader has " +
      "[scale, accumulate, split]",
    ],
    [
      { entries: { ...entries, scale: { ...entries.scale, reads: ["x", "z"] } } },
      'entry "scale" uses "z", which the shader lacks',
    ],
    [
      { entries: { ...entries, scale: { ...entries.scale, reads: ["y"], writes: ["x"] } } },
      '"y" must be read for entry "scale": shader has read_write',
    ],
    [
      { entries: { ...entries, scale: { ...entries.scale, writes: ["x", "y"], reads: [] } } },
      '"x" must be read_write for entry "scale": shader has read',
    ],
    [
      { entries: { ...entries, split: { ...entries.split, writes: ["y"] } } },
      'the shader binds "twin", which no entry uses',
    ],
    [
      {
        entries: {
          ...entries,
          scale: { ...entries.scale, reads: ["x", "a", "b", "c", "d", "e", "f", "g"] },
        },
      },
      'entry "scale" must bind at most 8 tensors: 9',
    ],
  ];
  for (const [difference, why] of refusals) {
    assert.throws(() => defineKernels({ ...scaleSpec as KernelSpec<string>, ...difference }), {
      name: "TypeError",
      message: `Cannot define kernel "scale": ${why}`,
    });
  }
});

Deno.test("parseWgsl() reads past comments, attributes and line breaks", () => {
  const module = parseWgsl(
    `// @group(0) @binding(7) var<storage, read> old: array<f32>;
/* struct Params { a: u32 }
   override GONE: u32 = 1u; */
override LANES: u32 = 8u;
override FAST: bool = false;
struct Params {
  size: u32, // elements
  shift: i32,
  factor: f32,
}
@group(0) @binding(2) var<storage> x: array<vec4f>;
@group(0)
@binding(0) var<storage, read_write> words : array<u32>;
@group(0) @binding(1) var<storage, read> signs: array<vec2i>;
@group(1) @binding(0) var<uniform> params: Params;
fn inner(v: f32) -> f32 { return v; }
@compute
@workgroup_size(LANES, 1)
fn main() {}
@workgroup_size(1) @compute fn other() {}`,
    "a.wgsl",
  );
  assert.deepEqual(module, {
    bindings: [
      { name: "x", binding: 2, access: "read", element: "f32" },
      { name: "words", binding: 0, access: "read_write", element: "u32" },
      { name: "signs", binding: 1, access: "read", element: "i32" },
    ],
    params: [["size", "u32"], ["shift", "i32"], ["factor", "f32"]],
    overrides: ["LANES", "FAST"],
    entries: ["main", "other"],
  });
});

Deno.test("parseWgsl() refuses interfaces that a kernel cannot declare", () => {
  const refusals = [
    [
      "@group(0) @binding(0) var<storage> x: array<f16>;",
      '"x" must hold f32, i32 or u32: array<f16>',
    ],
    [
      "@group(0) @binding(0) var<uniform> x: vec4f;",
      "group 0 must hold storage arrays only: 1 bindings, 0 of them storage arrays",
    ],
    ["struct Params { at: vec2u }", 'param "at" must be u32, i32 or f32: vec2u'],
  ];
  for (const [source, why] of refusals) {
    assert.throws(() => parseWgsl(source, "a.wgsl"), {
      name: "TypeError",
      message: `Cannot read a.wgsl: ${why}`,
    });
  }
});

Deno.test("packParams() lays out 4-byte scalars in order, padded to 16 bytes", () => {
  const types = { a: "u32", b: "i32", c: "f32", d: "u32", e: "f32" } as const;
  const block = packParams("any", types, { a: 2 ** 32 - 1, b: -2, c: 0.5, d: 7, e: Infinity });
  assert.equal(block.byteLength, 32);
  const view = new DataView(block);
  assert.deepEqual(
    [view.getUint32(0, true), view.getInt32(4, true), view.getFloat32(8, true)],
    [2 ** 32 - 1, -2, 0.5],
  );
  assert.deepEqual([view.getUint32(12, true), view.getFloat32(16, true)], [7, Infinity]);
});

Deno.test("packParams() refuses numbers that would wrap around", () => {
  for (const [type, value] of [["u32", -1], ["u32", 2 ** 32], ["i32", 2 ** 31]] as const) {
    assert.throws(() => packParams("any", { a: type }, { a: value }), {
      name: "RangeError",
      message: `Cannot run kernel "any": param "a" must be a whole ${type}: ${value}`,
    });
  }
});

Deno.test("bytesMoved() counts tensors once and those updated in place twice", () => {
  assert.equal(bytesMoved(scaleKernels.scale, scaleParams(10), {}), 80);
  assert.equal(bytesMoved(scaleKernels.accumulate, scaleParams(10), {}), 120);
  assert.equal(bytesMoved(scaleKernels.split, scaleParams(10), {}), 120);
});
