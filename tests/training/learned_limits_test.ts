import assert from "node:assert/strict";
import { firstStep } from "../../training/quantization_aware/learned_limits.ts";

Deno.test("firstStep() is LSQ's at every bit-width, and above 0 where all values are 0", () => {
  const mean = 0.02;
  for (const bits of [2, 4, 8, 12, 16]) {
    const signed = 2 * mean / Math.sqrt(2 ** (bits - 1) - 1);
    assert.equal(firstStep(mean, { bits, isSigned: true }), signed, `${bits} bits`);
    const unsigned = 2 * mean / Math.sqrt(2 ** bits - 1);
    assert.equal(firstStep(mean, { bits, isSigned: false }), unsigned, `${bits} bits, no sign`);
  }
  assert.equal(firstStep(mean, { bits: 1, isSigned: true }), mean, "of signs the magnitude");
  assert.equal(firstStep(0, { bits: 4, isSigned: true }), 2 ** -10);
  assert.equal(firstStep(1e-9, { bits: 4, isSigned: true }), 2 ** -20, "the least that is used");
});
