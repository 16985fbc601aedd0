import assert from "node:assert/strict";
import { quantizationAwareMistakes } from "../../training/mod.ts";
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

Deno.test("quantizationAwareMistakes() asks for a step for each bit-width that falls", () => {
  const of = (bits: 1 | 2, steps: number) =>
    quantizationAwareMistakes({
      weights: { kind: "learnedStep", bits: 2, granularity: "channel" },
      inputs: { kind: "learnedStep", bits },
      progressive: { bits: 8, steps },
    });
  assert.deepEqual(of(2, 7), []);
  assert.deepEqual(of(1, 8), []);
  assert.deepEqual(of(1, 7), [
    "falling bit-widths must have a step for each of the 8 widths from 8 bits on: 7",
  ]);
});
