import assert from "node:assert/strict";
import { octalBytes } from "../../../experiments/inspect/octal_bytes.ts";
import { encodeSafetensors, type SafetensorsTensor } from "../../../formats/mod.ts";

const F32 = (shape: number[], values: number[]): SafetensorsTensor => ({
  dtype: "F32",
  shape,
  data: Float32Array.from(values),
});

Deno.test("octalBytes() counts the bytes of all weights' codes, one after the other", () => {
  const file = encodeSafetensors(
    new Map([
      ["fc1.weight", F32([1, 3], [0.75, -0.75, 0.01])],
      ["fc2.weight", F32([2, 1], [1, 0])],
      ["fc1.bias", F32([1], [0.5])],
      ["norm.weight", F32([2], [1, 1])],
      ["optimizer.m.fc1.weight", F32([1, 3], [1, 1, 1])],
    ]),
    {},
  );
  const found = octalBytes(file, "m");
  assert.deepEqual(found.map(({ bits, rounding }) => `${bits} ${rounding}`), [
    ...["8 towardZero", "8 nearestEven", "6 towardZero", "6 nearestEven"],
    ...["4 towardZero", "4 nearestEven", "3 towardZero", "3 nearestEven"],
  ]);
  // 191, -191, 2, 255, 0
  assert.deepEqual(found[0], {
    bits: 8,
    rounding: "towardZero",
    scale: "fixed",
    weights: 5,
    octalText: "0o277\n-0o277\n0o2\n0o377\n0o0\n".length,
    decimalText: "191\n-191\n2\n255\n0\n".length,
    octalDigits: Math.ceil(5 * 10 / 8),
    plainBits: Math.ceil(5 * 9 / 8),
  });
  // 11, -11, 0, 15, 0 at 4 bits: two digits of 3 bits, as at 6 bits
  assert.equal(found[4].octalText, "0o13\n-0o13\n0o0\n0o17\n0o0\n".length);
  assert.deepEqual([found[4].octalDigits, found[2].octalDigits], [5, 5]);
  assert.deepEqual([found[4].plainBits, found[6].plainBits, found[6].octalDigits], [4, 3, 3]);
});

Deno.test("octalBytes() refuses files without weights and weights that are not finite", () => {
  const none = encodeSafetensors(new Map([["fc1.bias", F32([1], [1])]]), {});
  assert.throws(() => octalBytes(none, "m"), {
    name: "UserError",
    message: /^Cannot write m in base 8: there must be weights, .*: there is none$/,
  });
  const broken = encodeSafetensors(new Map([["fc1.weight", F32([1, 2], [1, NaN])]]), {});
  assert.throws(() => octalBytes(broken, "m"), {
    name: "UserError",
    message: /^Cannot write m in base 8: weights must be finite: fc1\.weight\[1\] is NaN$/,
  });
});
