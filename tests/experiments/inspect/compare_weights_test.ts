import assert from "node:assert/strict";
import { compareWeights, reachesOfValues } from "../../../experiments/inspect/compare_weights.ts";

Deno.test("reachesOfValues() finds the levels of quantized weights and none of trained ones", () => {
  const quantized = Float32Array.of(0, 0.5, 0.5, 1, 0, 0, -2, -2);
  const reaches = [{ low: -0.25, high: 1.25 }, { low: -3, high: 1 }];
  assert.equal(reachesOfValues(quantized, 2), undefined, "5 of 8 values are distinct");
  const twice = Float32Array.of(0, 0.5, 0.5, 1, 0, 0, 0, 0, -2, -2, 0, 0);
  assert.deepEqual(reachesOfValues(twice, 2), reaches);
  const trained = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i));
  assert.equal(reachesOfValues(trained, 2), undefined);
});

Deno.test("compareWeights() compares channel by channel and counts what lies out of reach", () => {
  const a = Float32Array.of(1, -2, 3, 0, 0, 4);
  const b = Float32Array.of(1, -2, 2, 0, 0, 0);
  const reaches = [{ low: -2.5, high: 2.5 }, { low: 0, high: 0 }];
  assert.deepEqual(compareWeights(a, b, 2, reaches), {
    signalToNoise: 10 * Math.log10(30 / 17),
    largest: 4,
    clipped: 2 / 6,
    channels: 2,
    deadA: 0,
    deadB: 1,
  });
  assert.equal(compareWeights(a, a, 2).signalToNoise, Infinity);
});
