import assert from "node:assert/strict";
import { octization, octizationContrasts } from "../../experiments/definitions/octization.ts";
import type { Execute } from "../../experiments/executor.ts";
import { overrideExperiment } from "../../experiments/override.ts";
import { planTrials } from "../../experiments/plan.ts";
import { writeReport } from "../../experiments/report.ts";
import { networkId, trialId } from "../../experiments/trial.ts";
import { MODELS } from "../../models/mod.ts";
import { fakeMetrics } from "./fake_executor.ts";
import { fakeResult } from "./small_result.ts";

Deno.test("octization trains every arm once, float32 and post-training arms of an optimizer together", () => {
  const { rows, trials } = planTrials(overrideExperiment(octization, { seeds: 1 }));
  assert.equal(rows.length - 1, 4 * 5 * 3 * 2 * 4);
  const networks = new Set(trials.map(({ trial }) => networkId(trial)));
  assert.equal(networks.size, 3 + 3 * 4 * 3 * 2 * 4);
});

Deno.test("octization pairs arms: a seed has the same data, model, batches and optimizer everywhere", () => {
  const point = { optimizer: "adam_0.001", scale: "fixed", bits: 8 };
  const arms = ["shadow", "in_place_step", "in_place_epoch", "post_training"].map((master) =>
    octization.trial({ ...point, master, rounding: "towardZero" }, 2)
  );
  for (const { training: { weightQuantization: _own, ...training }, data, model, seed } of arms) {
    assert.deepEqual({ training, data, model, seed }, {
      training: octization.baseline(2).training,
      data: octization.baseline(2).data,
      model: octization.baseline(2).model,
      seed: 2,
    });
  }
  assert.deepEqual(arms[1].training.weightQuantization, {
    bits: 8,
    rounding: "towardZero",
    scale: "fixed",
    master: "inPlace",
    every: "step",
  });
  assert.deepEqual(arms[3].compression, {
    kind: "levels",
    bits: 8,
    rounding: "towardZero",
    scale: "fixed",
  });
});

Deno.test("overrideExperiment() asks octization of convolutions on a smaller grid", () => {
  const change = { model: MODELS.cnn_282k, dataset: "cifar10" };
  const convolutions = overrideExperiment(octization, change);
  assert.equal(convolutions.name, "octization_cnn_282k");
  assert.deepEqual(convolutions.grid.bits, [4, 8]);
  assert.equal(convolutions.baseline(0).data.dataset, "cifar10");
  assert.equal(overrideExperiment(octization, { model: MODELS.mlp_128 }).grid, octization.grid);
});

Deno.test("writeReport() of octization has a test of equivalence and what rounding did", async () => {
  const execute: Execute = (trials, report) => {
    for (const trial of trials) {
      const rounded = { updatesLost: 0.99, zeroWeights: 0.125, weightNorm: 7.5 };
      const own = trial.training.weightQuantization === undefined ? {} : rounded;
      const metrics = { ...fakeMetrics(trial), ...own };
      report(trialId(trial), { status: "done", metrics, seconds: 1 });
    }
    return Promise.resolve();
  };
  const result = await fakeResult(overrideExperiment(octizationContrasts, { seeds: 3 }), execute);
  const report = writeReport(result);
  assert.match(report, /\| p \| by Holm \| p equivalent within 0\.1 \| by Holm \| seeds \|/);
  const shadow = "nearest \\| shadow weights \\| Adam 0\\.001 \\| 1 / \\(2\\^b - 1\\) \\| 8 bits";
  assert.match(
    report,
    new RegExp(`${shadow} \\| 99\\.00 ± 0\\.00 \\| 12\\.50 ± 0\\.00 \\| 7\\.500 ± 0\\.000`),
  );
  const same = result.comparisons.find(({ name }) =>
    name === "toward zero - nearest, shadow weights"
  );
  assert.equal(
    same?.equivalence,
    1,
    "three times the same difference has no variance to test with",
  );
  assert.match(
    report,
    /With 3 seeds p cannot fall below 1\.00 by Holm, whatever the differences are/,
  );
});
