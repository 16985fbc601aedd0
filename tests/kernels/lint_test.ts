import assert from "node:assert/strict";
import { lintWgsl } from "../support/tint.ts";

const ROOT = new URL("../../", import.meta.url);
const ROOMS = ["gpu/", "kernels/"];

/** Every shader under a folder, as paths from the root. */
function shadersUnder(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, ROOT))].flatMap(({ name, isDirectory }) =>
    isDirectory
      ? shadersUnder(`${folder}${name}/`)
      : name.endsWith(".wgsl")
      ? [`${folder}${name}`]
      : []
  );
}

const paths = ROOMS.flatMap(shadersUnder).toSorted();

/** A shader whose only fault is the statement. */
function shaderWith(statement: string): string {
  return `struct Params { size: u32 }
@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;
override WORKGROUP_SIZE: u32 = 64u;
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  ${statement}
  y[lane] = params.size;
}`;
}

Deno.test("lintWgsl() accepts every entry point of every shader", async () => {
  assert.ok(paths.length >= 25, `only ${paths.length} shaders were found`);
  const complaints = [];
  for (const path of paths) {
    complaints.push(...await lintWgsl(Deno.readTextFileSync(new URL(path, ROOT)), path));
  }
  assert.deepEqual(complaints, []);
});

Deno.test("shaders that divide exactly, each whole by itself, have the same text for it", () => {
  const exact = /^\/\/ a \/ b rounded to nearest.*?^}$/ms;
  const texts = paths.flatMap((path) =>
    exact.exec(Deno.readTextFileSync(new URL(path, ROOT))) ?? []
  );
  assert.ok(texts.length >= 2, `only ${texts.length} were found`);
  assert.equal(new Set(texts).size, 1);
});

Deno.test("lintWgsl() accepts a barrier that all invocations reach", async () => {
  assert.deepEqual(await lintWgsl(shaderWith("workgroupBarrier();"), "uniform"), []);
});

Deno.test("lintWgsl() rejects a barrier in divergent control flow", async () => {
  const source = shaderWith("if (lane < 3u) { workgroupBarrier(); }");
  const complaints = await lintWgsl(source, "divergent");
  assert.equal(complaints.length, 1);
  assert.match(complaints[0], /must only be called from uniform control flow/);
});

Deno.test("lintWgsl() rejects an entry point whose workgroup is too large", async () => {
  const source = shaderWith("").replace("= 64u", "= 1024u");
  const complaints = await lintWgsl(source, "too large");
  assert.equal(complaints.length, 1);
  assert.match(complaints[0], /^too large main: .*exceeds the maximum allowed/s);
});
