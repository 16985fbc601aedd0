import assert from "node:assert/strict";
import { defineExperiment } from "../../experiments/define.ts";
import type { Execute } from "../../experiments/executor.ts";
import { writeReport } from "../../experiments/report.ts";
import { trialId } from "../../experiments/trial.ts";
import { fakeResult } from "./small_result.ts";
import { smallExperiment } from "./small_experiment.ts";

/** Ranges per tensor stand for the network that was only trained on. */
const controlled = defineExperiment({ ...smallExperiment, control: { granularity: "tensor" } });

/** Float32 97 %, per tensor 98 %, per channel half a point less than that at 2 bits. */
const execute: Execute = (trials, report) => {
  for (const trial of trials) {
    const { compression, seed } = trial;
    const isTensor = compression.kind === "affine" && compression.granularity === "tensor";
    const lost = compression.kind === "affine" && compression.bits === 2 ? 0.005 : 0;
    const above = compression.kind === "none" ? 0 : 0.01 - (isTensor ? 0 : lost);
    const testAccuracy = 0.97 + above + seed * 1e-5;
    const metrics = { testAccuracy, testLoss: 0.1, predictedClasses: 10 };
    report(trialId(trial), { status: "done", metrics, seconds: 1 });
  }
  return Promise.resolve();
};

Deno.test("runExperiment() counts losses and cliffs from the control where there is one", async () => {
  const [plain, result] = [
    await fakeResult(smallExperiment, execute),
    await fakeResult(controlled, execute),
  ];
  const lossesOf = ({ rows }: typeof plain) => rows.map(({ loss }) => Math.round(loss.mean * 1e4));
  assert.deepEqual(lossesOf(plain), [100, 100, 100, 100, 100, 50, 100, 100, 100, 100]);
  assert.deepEqual(lossesOf(result), [0, 0, 0, 0, 0, -50, 0, 0, 0, 0]);
  // a gain over float32 would hide that 2 bits cost half a point
  assert.deepEqual(plain.cliffs[1].cliffs.map(({ budget }) => budget), [2, 2, 2]);
  assert.deepEqual(result.cliffs.map(({ series }) => series), [{ granularity: "channel" }]);
  assert.deepEqual(result.cliffs[0].cliffs.map(({ budget }) => budget), [4, 2, 2]);
  const report = writeReport(result);
  assert.match(report, /minus control \(points\)/);
  assert.match(report, /\(accuracy - accuracy of the control, "per tensor", of the same seed\)/);
});

Deno.test("compareRows() compares where it is told to, and adjusts for how many there are", async () => {
  const [comparison] = smallExperiment.compare;
  const asked = defineExperiment({
    ...smallExperiment,
    compare: [{ ...comparison, where: { bits: [2, 8] } }],
  });
  const { comparisons } = await fakeResult(asked, execute);
  assert.deepEqual(comparisons.map(({ at }) => at), [{ bits: 2 }, { bits: 8 }]);
  assert.deepEqual(comparisons.map(({ pValue }) => pValue), [0.25, 1]);
  assert.deepEqual(comparisons.map(({ adjusted }) => adjusted.pValue), [0.5, 1]);
});

Deno.test("defineExperiment() refuses controls and comparisons off the grid", () => {
  assert.throws(
    () => defineExperiment({ ...smallExperiment, control: { granularity: "row" } }),
    /the control must be on the grid: granularity = row is not$/,
  );
  const [comparison] = smallExperiment.compare;
  assert.throws(
    () =>
      defineExperiment({
        ...smallExperiment,
        compare: [{ ...comparison, where: { bits: [7] } }],
      }),
    /comparison "channel - tensor" must be on the grid: bits = 7 is not$/,
  );
});
