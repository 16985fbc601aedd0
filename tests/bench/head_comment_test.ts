import assert from "node:assert/strict";
import { headComment } from "../../bench/head_comment.ts";
import { kernelRooms } from "../../kernels/mod.ts";

Deno.test("headComment() takes the leading block without its slashes, and nothing after it", () => {
  const source =
    "// relu: y\n//\n//   y = max(x, 0)  \n\n// not this\noverride N: u32 = 1u; // nor this\n";
  assert.equal(headComment(source), "relu: y\n\n  y = max(x, 0)");
  assert.equal(headComment("// one\r\n// two\r\nfn f() {}"), "one\ntwo");
  assert.equal(headComment("// all of it"), "all of it");
});

Deno.test("headComment() is empty where no comment comes first", () => {
  assert.equal(headComment("fn f() {}\n// late"), "");
  assert.equal(headComment(""), "");
});

Deno.test("headComment() finds mathematics in every shader of the project", () => {
  for (const { family } of kernelRooms) {
    const lines = headComment(family.source).split("\n");
    assert.ok(lines.length >= 5, `${family.file} has ${lines.length} lines`);
  }
});
