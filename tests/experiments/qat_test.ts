import assert from "node:assert/strict";
import { showBudgetOf } from "../../experiments/format_result.ts";
import { overrideExperiment } from "../../experiments/override.ts";
import { MODELS } from "../../models/mod.ts";
import { qat } from "../../experiments/definitions/qat.ts";
import { planTrials } from "../../experiments/plan.ts";
import { type Trial, trialId } from "../../experiments/trial.ts";

function specOf(estimator: string, quantized: string, bits: number) {
  const { compression } = qat.trial({ estimator, quantized, bits }, 0);
  assert.ok(compression.kind === "quantization_aware");
  return compression.spec;
}

Deno.test("qat asks for LSQ, LSQ+, DoReFa with PACT, and ranges", () => {
  const both = "weights_and_activations";
  const learned = { kind: "learnedStep", bits: 2, granularity: "channel" };
  assert.deepEqual(specOf("learned", both, 2), {
    weights: learned,
    inputs: { kind: "learnedStep", bits: 2 },
    image: { bits: 2 },
  });
  assert.deepEqual(specOf("learned_offset", both, 2), {
    weights: learned,
    inputs: { kind: "learnedStep", bits: 2, offset: true },
    image: { bits: 2 },
  });
  assert.deepEqual(specOf("dorefa_pact", both, 3), {
    weights: { kind: "dorefa", bits: 3, granularity: "channel" },
    inputs: { kind: "learnedClip", bits: 3 },
    image: { bits: 3 },
  });
  assert.deepEqual(specOf("dorefa_pact", both, 1.585).inputs, { kind: "learnedClip", bits: 2 });
});

Deno.test("qat measures nothing twice but where its method says what stands there", () => {
  const names = new Map<string, string[]>();
  for (const { point, trials: [{ id }] } of planTrials(qat).rows) {
    if (point === undefined || point.estimator === "float32") continue;
    const { estimator, quantized, bits } = point;
    names.set(id, [...names.get(id) ?? [], `${estimator} ${quantized} ${bits}`]);
  }
  const shared = [...names.values()].filter(({ length }) => length > 1)
    .map((arms) => arms.map((arm) => arm.replace(" weights ", " ")).sort()).sort();
  assert.deepEqual(shared, [
    // "Two levels are mean magnitudes with every estimator."
    ["dorefa_pact 1", "learned 1", "learned_offset 1", "ranges 1"],
    // "ternary mean magnitudes, those of ranges, stand there"
    ["dorefa_pact 1.585", "ranges 1.585"],
    // "Weights have none: with weights alone these rows are the trials of learned steps."
    ["learned 1.585", "learned_offset 1.585"],
    ["learned 2", "learned_offset 2"],
    ["learned 3", "learned_offset 3"],
    ["learned 4", "learned_offset 4"],
  ]);
  const method = qat.method.join(" ");
  for (const word of ["every estimator", "three levels it does not have", "weights alone these"]) {
    assert.ok(method.includes(word), word);
  }
});

Deno.test("trialId() of qat's first arms is what it was before there were more", () => {
  const id = (estimator: string, quantized: string, bits: number) =>
    trialId(qat.trial({ estimator, quantized, bits }, 0) as Trial).slice(0, 12);
  assert.deepEqual([
    id("learned", "weights", 2),
    id("learned", "weights_and_activations", 1),
    id("ranges", "weights_and_activations", 4),
  ], ["8b1da57fe49f", "83f35b4961cc", "6dd744a4dd2a"]);
});

Deno.test("qat asks smaller questions of convolutional and, in turn, of residual networks", () => {
  const asked = (model: typeof MODELS[keyof typeof MODELS]) =>
    overrideExperiment(qat, { model, dataset: "cifar10" });
  const [cnn, resnet] = [asked(MODELS.cnn_282k), asked(MODELS.resnet20)];
  assert.deepEqual([cnn.name, resnet.name], ["qat_cnn_282k", "qat_resnet20"]);
  assert.deepEqual([cnn.grid.bits, resnet.grid.bits], [[1, 2, 4], [2, 4]]);
  assert.deepEqual([cnn.seeds, resnet.seeds], [3, 1]);
  assert.match(resnet.method.join(" "), /on for 1 epoch, .* by up to 4 pixels\. /);
  assert.doesNotMatch(resnet.method.join(" "), /1 bit|[Tt]ernary/);
  assert.throws(() => overrideExperiment(qat.forOtherModels!, { model: MODELS.fc_nn }), {
    name: "UserError",
    message: /: the model must be one of cnn, resnet: fc_nn$/,
  });
});

Deno.test("showBudgetOf() has words for three levels", () => {
  assert.equal(showBudgetOf(qat, 1.585), "ternary");
  assert.equal(showBudgetOf(qat, 2), "2 bits");
});
