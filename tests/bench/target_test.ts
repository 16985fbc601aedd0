import assert from "node:assert/strict";
import { formatReached, formatTarget, isMet } from "../../bench/target.ts";

Deno.test("isMet() asks for every part, and for GFLOP/s only of a software adapter", () => {
  const target = { gflops: 20, overBetter: 4 };
  assert.equal(isMet(target, { gflops: 21, overBetter: 4 }, true), true);
  assert.equal(isMet(target, { gflops: 19, overBetter: 9 }, true), false);
  assert.equal(isMet(target, { gflops: 19, overBetter: 9 }, false), true);
  assert.equal(isMet(target, { gflops: 21, overBetter: undefined }, true), undefined);
  assert.equal(isMet(target, { gflops: 19, overBetter: undefined }, true), false);
});

Deno.test("isMet() takes the time beside the forward pass as a limit", () => {
  const target = { timesForward: 1.4 };
  assert.equal(isMet(target, { timesForward: 1.4 }, true), true);
  assert.equal(isMet(target, { timesForward: 0.7 }, true), true);
  assert.equal(isMet(target, { timesForward: 1.41 }, true), false);
  assert.equal(isMet(target, {}, true), undefined);
});

Deno.test("formatTarget() writes every part that is there", () => {
  assert.equal(formatTarget({}), "");
  assert.equal(formatTarget({ timesForward: 1.4 }), "1.4x forward");
  assert.equal(formatTarget({ overPyTorch: 1, overJax: 8 }), "8x jax-js, 1x PyTorch");
  assert.equal(
    formatTarget({ gflops: 22, copyShare: 0.75, overBetter: 4, overPyWavelets: 15 }),
    "22 GFLOP/s, 75 % of copy, 4x better, 15x PyWavelets",
  );
});

Deno.test("formatReached() writes what has no column of its own", () => {
  const nothing = {
    gflops: undefined,
    copyShare: undefined,
    overJax: 9,
    overBetter: 9,
    overPyTorch: undefined,
    overPyWavelets: undefined,
    timesForward: undefined,
  };
  assert.equal(formatReached(nothing), "");
  assert.equal(formatReached({ ...nothing, copyShare: 0.756 }), "76 % of copy");
  assert.equal(
    formatReached({ ...nothing, gflops: 31.44, timesForward: 1.196 }),
    "31.4 GFLOP/s, 1.20x forward",
  );
});
