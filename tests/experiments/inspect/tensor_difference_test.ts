import assert from "node:assert/strict";
import {
  decibels,
  differenceOf,
  differs,
  noSums,
} from "../../../experiments/inspect/tensor_difference.ts";

Deno.test("decibels() is ten times the logarithm of a ratio, infinite without noise", () => {
  assert.equal(decibels(100, 1), 20);
  assert.equal(decibels(1, 10), -10);
  assert.equal(decibels(5, 0), Infinity);
  assert.equal(decibels(0, 0), Infinity);
  assert.equal(decibels(0, 3), -Infinity);
  assert.ok(Number.isNaN(decibels(NaN, 1)) && Number.isNaN(decibels(1, NaN)));
});

Deno.test("differenceOf() adds channels up and counts those in which nothing was seen", () => {
  const alive = { signal: 9, noise: 0.9, largest: 0.5, peakA: 2, peakB: 1 };
  const onlyInA = { signal: 1, noise: 0.1, largest: 0.75, peakA: 1, peakB: 0 };
  assert.deepEqual(differenceOf([alive, onlyInA, noSums()], 0.25), {
    signalToNoise: 10,
    largest: 0.75,
    clipped: 0.25,
    channels: 3,
    deadA: 1,
    deadB: 2,
  });
  assert.ok(!("clipped" in differenceOf([alive])));
});

Deno.test("differs() holds for noise that underflows and for NaN, not for equal tensors", () => {
  const equal = { ...noSums(), signal: 4, peakA: 2, peakB: 2 };
  assert.equal(differs(differenceOf([equal])), false);
  assert.equal(differs(differenceOf([{ ...equal, largest: 1e-30 }])), true);
  const broken = differenceOf([{ ...noSums(), signal: 4, noise: NaN, peakA: 2 }]);
  assert.equal(differs(broken), true);
  assert.equal(broken.deadB, 0, "what is no number is not dead");
});
