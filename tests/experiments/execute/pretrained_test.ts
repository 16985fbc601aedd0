import assert from "node:assert/strict";
import { deviceExecutor } from "../../../experiments/execute/execute.ts";
import { adoptNetwork, networkShelf } from "../../../experiments/execute/network_shelf.ts";
import type { Outcome } from "../../../experiments/store.ts";
import type { CompressionSpec, Recipe } from "../../../experiments/trial.ts";
import { createModel, initialParameters, uploadParameters } from "../../../models/mod.ts";
import { encodeNetwork, evaluate } from "../../../training/mod.ts";
import { withBars } from "./bars_laboratory.ts";
import { listen, smallRecipe, trialsOf } from "./small_trials.ts";

function errorOf(outcome: Outcome | undefined): string {
  return outcome?.status === "failed" ? outcome.error : "";
}

Deno.test("deviceExecutor() measures a checkpoint with its norms folded, on the first images only", () =>
  withBars(async ({ laboratory, bars, folder }) => {
    const shelf = networkShelf(`${folder}/networks`);
    const execute = deviceExecutor(laboratory, { shelf, seedsTogether: 1 });
    const recipe: Recipe = {
      ...smallRecipe(bars),
      model: { kind: "resnet", depth: 8 },
      pretrained: "cd".repeat(32),
    };
    const matrix: CompressionSpec = {
      kind: "wavelet_threshold",
      wavelet: "db2",
      levels: 1,
      mode: "periodization",
      keep: 1,
      layout: "matrix",
      layers: "all",
      threshold: "hard",
    };
    const compressions: CompressionSpec[] = [
      { kind: "none" },
      { kind: "affine", bits: 16, granularity: "channel", activations: true },
      matrix,
      { ...matrix, keep: 0.2 },
    ];
    const trials = trialsOf(recipe, [0], compressions).map((one) => ({ ...one, images: 40 }));
    const lacking = await listen(execute, trials.slice(0, 1));
    assert.match(
      errorOf(lacking.outcomes[0]),
      /^Cannot measure a pretrained network: .*cdcd is not$/,
    );

    const model = createModel(recipe.model, [1, 28, 28], 10);
    const values = initialParameters(model, 5);
    for (const { name } of model.parameters) {
      // a norm that does something
      if (name.endsWith("running_mean")) values[name].fill(0.1);
      if (name.endsWith("running_var")) values[name].fill(0.5);
    }
    const bytes = encodeNetwork(model, { parameters: values, state: {}, metadata: {} });
    adoptNetwork(shelf, model, recipe, 0, bytes, "given");
    const { outcomes, trainings } = await listen(execute, trials);
    assert.deepEqual(trainings, []);
    const metrics = outcomes.map((outcome) => {
      assert.equal(outcome?.status, "done", JSON.stringify(outcome));
      return outcome.metrics;
    });
    const bench = await laboratory.bench({ ...recipe, images: 40 });
    const { tensors } = uploadParameters(laboratory.device, model, [values]);
    const [plain] = await evaluate(model, tensors, 1, bench.judge);
    assert.equal(plain.count, 40);
    assert.ok(Math.abs(metrics[0].testLoss / plain.loss - 1) < 1e-4, "folding changes nothing");
    assert.ok(Math.abs(metrics[1].testLoss / plain.loss - 1) < 1e-2, "nor do 16 bits");
    assert.ok(Math.abs(metrics[2].testLoss / plain.loss - 1) < 1e-4, "nor do all coefficients");
    assert.notEqual(metrics[3].testLoss, metrics[2].testLoss);
  }, { train: 64, test: 64 }));
