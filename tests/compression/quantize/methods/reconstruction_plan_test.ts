import assert from "node:assert/strict";
import { reconstructionPlan } from "../../../../compression/mod.ts";
import {
  adamTable,
  penaltyTable,
} from "../../../../compression/quantize/methods/reconstruction_plan.ts";

Deno.test("penaltyTable() waits for the warm-up, then lets beta fall to its end", () => {
  const plan = reconstructionPlan({
    steps: 100,
    penalty: { weight: 8, warmUp: 0.2, betaFrom: 20, betaTo: 2 },
  });
  const table = penaltyTable(plan, 3, 4);
  assert.equal(table.length, 200);
  const weights = table.filter((_, i) => i % 2 === 0);
  const betas = table.filter((_, i) => i % 2 === 1);
  assert.ok(weights.subarray(0, 21).every((weight) => weight === 0));
  assert.ok(weights.subarray(21).every((weight) => weight === 6)); // 8 x 3 / 4
  assert.ok(betas.subarray(0, 21).every((beta) => beta === 20));
  assert.ok(betas.every((beta, i) => i === 0 || beta <= betas[i - 1]));
  assert.equal(betas[60], 11); // half way
  assert.ok(betas[99] < 2.01);
});

Deno.test("adamTable() falls from the rate to 0 and corrects the moments' bias", () => {
  const table = adamTable(0.1, 10);
  assert.deepEqual([...table.subarray(0, 4)], [0.1, 10, 1 / Math.sqrt(0.001), 0].map(Math.fround));
  assert.equal(table[4 * 5], Math.fround(0.05));
  assert.ok(table[4 * 9] < 0.003);
});

Deno.test("reconstructionPlan() refuses numbers that cannot be carried out", () => {
  assert.equal(reconstructionPlan({ steps: 5 }).steps, 5);
  const mistakes: [Parameters<typeof reconstructionPlan>[0], string][] = [
    [{ steps: 0 }, "steps must be a whole number of at least 1: 0"],
    [{ roundingRate: NaN }, "the rounding rate must be above 0: NaN"],
    [{ scaleRate: -1 }, "the scale rate must be from 0 to less than 1: -1"],
    [{ dropRate: 1 }, "the drop rate must be from 0 to less than 1: 1"],
    [{ penalty: { weight: -1 } }, "the penalty's weight must be at least 0: -1"],
    [{ penalty: { warmUp: 2 } }, "the warm-up must be from 0 to less than 1: 2"],
    [{ penalty: { betaTo: 0.5 } }, "beta must be at least 1: 0.5"],
    [{ penalty: { betaFrom: 1 } }, "beta must not rise: it starts at 1"],
  ];
  for (const [options, why] of mistakes) {
    assert.throws(() => reconstructionPlan(options), {
      name: "RangeError",
      message: `Cannot reconstruct: ${why}`,
    });
  }
});
