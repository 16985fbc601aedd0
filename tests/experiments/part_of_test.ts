import assert from "node:assert/strict";
import * as experiments from "../../experiments/mod.ts";
import { octization } from "../../experiments/definitions/octization.ts";
import { ptqMethods } from "../../experiments/definitions/ptq_methods.ts";
import { qat } from "../../experiments/definitions/qat.ts";
import { overrideExperiment } from "../../experiments/override.ts";
import { MODELS } from "../../models/mod.ts";

type Only = NonNullable<Parameters<typeof overrideExperiment>[1]["only"]>;

/** Line charts, by name, that show points of the grid which are not in the part. */
function emptyCharts(experiment: experiments.Experiment, only: Only): string[] {
  const { charts } = overrideExperiment(experiment, { only });
  return charts.flatMap((chart) =>
    chart.kind === "line" && Object.values(chart.where ?? {}).some(({ length }) => length === 0)
      ? [chart.name]
      : []
  );
}

Deno.test("overrideExperiment() leaves out charts that a part of the grid leaves nothing of, or one point", () => {
  const parts: [experiments.Experiment, Only, string[]][] = [
    [qat, { quantized: ["weights"] }, ["accuracy_weights"]],
    [ptqMethods, { method: ["gptq_channel", "obq_channel"] }, [
      "accuracy_weights_calibrated",
      "accuracy_weights_and_activations_calibrated",
      "accuracy_by_granularity",
    ]],
    [ptqMethods, {
      method: ["min_max_tensor", "reconstruction_layers"],
      quantized: ["weights"],
      bits: ["2"],
    }, ["accuracy_weights_calibrated"]],
    [octization, { optimizer: ["sgd_0.1"] }, []],
  ];
  for (const [experiment, only, kept] of parts) {
    assert.deepEqual(emptyCharts(experiment, only), [], experiment.name);
    const { charts } = overrideExperiment(experiment, { only });
    const names = charts.filter(({ kind }) => kind === "line").map(({ name }) => name);
    assert.deepEqual(names, kept, experiment.name);
    assert.ok(experiment.charts.length > charts.length);
  }
});

Deno.test("overrideExperiment() refuses a checkpoint where arms train networks of their own", () => {
  const pretrained = "ab".repeat(32);
  for (const name of ["octization", "generalisation"]) {
    const experiment = experiments.findExperiment(name);
    assert.throws(() => overrideExperiment(experiment, { pretrained }), {
      name: "UserError",
      message:
        `Cannot run experiment "${name}": its arms train networks of their own: a checkpoint ` +
        "must be left out",
    });
  }
  const model = MODELS.resnet20;
  for (const name of ["qat", "ptq_methods", "calibration", "mixed_precision", "bit_width"]) {
    const experiment = experiments.findExperiment(name);
    overrideExperiment(experiment, { model, dataset: "cifar10", pretrained });
  }
});

Deno.test("hyperparameters() of another network or data set has a name of its own", () => {
  const { hyperparameters } = experiments;
  assert.equal(hyperparameters().name, "hyperparameters");
  assert.equal(hyperparameters({ candidates: "grid" }).name, "hyperparameters_grid");
  const other = { model: MODELS.cnn_282k, dataset: "cifar10" };
  assert.equal(hyperparameters(other).name, "hyperparameters_cnn_282k");
  assert.equal(hyperparameters({ dataset: "fashion-mnist" }).name, "hyperparameters_fashion_mnist");
});
