import assert from "node:assert/strict";
import { checkFiniteWeights, NonFiniteWeightError } from "../../training/mod.ts";

Deno.test("checkFiniteWeights() names the first weight that is not finite, with step and seed", () => {
  const bias = Float32Array.of(1, -2);
  checkFiniteWeights({ bias, weight: Float32Array.of(0, 3e38) }, 4, 10);
  for (const [value, words] of [[NaN, "NaN"], [-Infinity, "-Infinity"], [1e39, "Infinity"]]) {
    const weight = Float32Array.of(0, Number(value), NaN);
    assert.throws(
      () => checkFiniteWeights({ bias, weight }, 4, 10),
      (error) =>
        error instanceof NonFiniteWeightError &&
        error.message.endsWith(`at step 10, seed 4 weight[1] is ${words}`),
    );
  }
});
