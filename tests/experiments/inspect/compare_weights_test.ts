import assert from "node:assert/strict";
import { chooseQuantParams, dequantize, quantize } from "../../../compression/mod.ts";
import {
  compareWeights,
  reachesOfValues,
  reachOfGrid,
} from "../../../experiments/inspect/compare_weights.ts";
import fc from "../../support/fast_check.ts";

Deno.test("reachOfGrid() ends where rounding ends and clipping begins", () => {
  const grid = chooseQuantParams({ low: -1, high: 3 }, 2); // levels -4/3, 0, 4/3, 8/3
  const { low, high } = reachOfGrid(grid);
  assert.ok(Math.abs(low + 2) < 1e-6 && Math.abs(high - 10 / 3) < 1e-6, `${low} ${high}`);
  const levels = Float32Array.of(-2, -0.5, 0, 1);
  assert.deepEqual(reachOfGrid({ kind: "codebook", levels }), { low: -2.75, high: 1.5 });
  const one = Float32Array.of(0.5);
  assert.deepEqual(reachOfGrid({ kind: "codebook", levels: one }), { low: 0.5, high: 0.5 });
});

Deno.test("reachOfGrid() holds all values that a grid rounds by half a step, and no others", () =>
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 8 }),
    fc.float({ min: -4, max: 4, noNaN: true }),
    (bits, x) => {
      const grid = chooseQuantParams({ low: -1, high: 1.5 }, bits);
      const { low, high } = reachOfGrid(grid);
      const error = Math.abs(dequantize(quantize(x, grid), grid) - x);
      const slack = 1e-5 * grid.scale;
      if (x > low + slack && x < high - slack) assert.ok(error <= 0.5 * grid.scale + slack);
      if (x < low - slack || x > high + slack) assert.ok(error > 0.5 * grid.scale);
    },
  )));

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
