import assert from "node:assert/strict";
import type { OctizationArm } from "../../../experiments/definitions/octization_recipe.ts";
import {
  regressionCsv,
  regressionStepsCsv,
  writeRegressionReport,
} from "../../../experiments/regression/regression_report.ts";
import { screenRegression } from "../../../experiments/regression/screen_regression.ts";
import { trainRegression } from "../../../experiments/regression/train_regression.ts";
import { sgd } from "../../../training/mod.ts";
import { testDevice } from "../../support/device.ts";
import { FAKE_RUN } from "../fake_executor.ts";

const nearest: OctizationArm = {
  rounding: "nearestEven",
  master: "in_place_step",
  optimizer: "adam_0.001",
  scale: "fixed",
  bits: 8,
};
const ARMS: OctizationArm[] = [
  { ...nearest, master: "float32" },
  nearest,
  { ...nearest, rounding: "towardZero" },
  { ...nearest, master: "shadow" },
  { ...nearest, master: "post_training" },
];

Deno.test("screenRegression() fits in float32 and with shadow weights, and freezes in place", async () => {
  const device = await testDevice();
  const { signal } = new AbortController();
  const rows = await screenRegression(device, ARMS, [0, 1], signal);
  const [float32, frozen, truncated, shadow, after] = rows.map(({ measures }) => measures[0]);
  assert.ok(float32.excessError < 0.1, `${float32.excessError}`);
  assert.ok(shadow.excessError < 0.1 && after.excessError < 0.1);
  assert.ok(frozen.updatesLost! > 0.99 && frozen.excessError > 10 * float32.excessError);
  assert.ok(truncated.updatesLost! < frozen.updatesLost!);
  assert.equal(float32.updatesLost, undefined);
  assert.equal(after.updatesLost, undefined);

  const lines = regressionCsv(rows).trimEnd().split("\r\n");
  assert.equal(lines.length, 1 + ARMS.length * 2);
  assert.match(lines[0], /^rounding,master,optimizer,scale,bits,seed,excessError,/);
  const steps = regressionStepsCsv(rows).trimEnd().split("\r\n").map((line) => line.split(","));
  assert.equal(
    steps[0].join(),
    "rounding,master,optimizer,scale,bits,step,updatesLost,zeroWeights,weightNorm",
  );
  const trained = ARMS.filter(({ master }) => master === "in_place_step" || master === "shadow");
  assert.equal(
    steps.length,
    1 + 25 * trained.length,
    "25 stretches an arm that rounds while it trains",
  );
  const last = steps.filter(([rounding, master]) =>
    rounding === "nearestEven" && master === "in_place_step"
  ).at(-1)!;
  const { measures } = rows[1];
  assert.equal(last[5], "1000");
  // frozen weights have the norm that they end with
  const norm = (measures[0].weightNorm + measures[1].weightNorm) / 2;
  assert.ok(Math.abs(Number(last[8]) - norm) < 1e-4 * norm, `${last[8]} is not ${norm}`);
  const report = writeRegressionReport({ rows, run: FAKE_RUN });
  assert.match(report, /\| in place every step \| toward zero \| \d/);
  assert.match(report, /\| in place every step \| nearest \| 100\.0 \|/);
});

Deno.test("trainRegression() of two seeds equals one at a time bit for bit", async () => {
  const device = await testDevice();
  const optimizer = sgd({ learningRate: 0.1 });
  const quantization = {
    bits: 4,
    rounding: "stochastic",
    scale: "absmax",
    master: "inPlace",
    every: "epoch",
  } as const;
  const together = await trainRegression(device, optimizer, quantization, [3, 4]);
  for (const [p, seed] of [3, 4].entries()) {
    const [alone] = await trainRegression(device, optimizer, quantization, [seed]);
    assert.deepEqual(together[p], alone);
  }
});
