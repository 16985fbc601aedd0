import assert from "node:assert/strict";
import {
  chooseQuantParams,
  dequantize,
  quantize,
  reachOfGrid,
} from "../../../../compression/mod.ts";
import fc from "../../../support/fast_check.ts";

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
