import assert from "node:assert/strict";
import { holm } from "../../experiments/holm.ts";
import fc from "../support/fast_check.ts";

Deno.test("holm() multiplies the smallest by all, the next by one less, and never falls", () => {
  // R 4.3: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
  const found = holm([0.01, 0.04, 0.03, 0.005]);
  [0.03, 0.06, 0.06, 0.02].forEach((wanted, i) => assert.ok(Math.abs(found[i] - wanted) < 1e-12));
  assert.deepEqual(holm([0.6, 0.7]), [1, 1]);
  assert.deepEqual(holm([]), []);
});

Deno.test("holm() keeps the order, is at least the p-value and at most Bonferroni's", () => {
  fc.assert(fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (p) => {
    const adjusted = holm(p);
    p.forEach((value, i) => {
      assert.ok(adjusted[i] >= value && adjusted[i] <= Math.min(1, p.length * value) + 1e-15);
      p.forEach((other, j) => assert.ok(value > other || adjusted[i] <= adjusted[j]));
    });
  }));
});
