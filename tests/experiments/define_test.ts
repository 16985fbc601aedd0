import assert from "node:assert/strict";
import * as experiments from "../../experiments/mod.ts";
import type { ChartSpec } from "../../experiments/charts/chart_spec.ts";
import { checkExperiment } from "../../experiments/check_experiment.ts";
import { checkTrial } from "../../experiments/check_trial.ts";
import { defineExperiment, type Experiment } from "../../experiments/define.ts";
import { bitWidth } from "../../experiments/definitions/bit_width.ts";
import { generalisation } from "../../experiments/definitions/generalisation.ts";
import { octizationContrasts } from "../../experiments/definitions/octization.ts";
import { octizationProgramMnist } from "../../experiments/definitions/octization_programs.ts";
import { ptqMethods } from "../../experiments/definitions/ptq_methods.ts";
import { qat } from "../../experiments/definitions/qat.ts";
import { waveletThreshold } from "../../experiments/definitions/wavelet_threshold.ts";
import { networkSentences } from "../../experiments/describe_network.ts";
import { modelName } from "../../experiments/model_name.ts";
import { overrideExperiment } from "../../experiments/override.ts";
import { planTrials } from "../../experiments/plan.ts";
import { networkId } from "../../experiments/trial.ts";
import { UserError } from "../../formats/user_error.ts";
import { MODELS } from "../../models/mod.ts";
import { smallExperiment } from "./small_experiment.ts";

/** The small experiment with one part replaced. */
function variant(change: Partial<Experiment>): () => Experiment {
  return () => defineExperiment({ ...smallExperiment, ...change });
}

Deno.test("defineExperiment() freezes all of it", () => {
  assert.throws(() => {
    (smallExperiment.grid.bits as number[]).push(3);
  }, TypeError);
});

Deno.test("defineExperiment() refuses parts that do not fit together", () => {
  let calls = 0;
  const wrong: [Partial<Experiment>, RegExp][] = [
    [{ name: "Not Snake" }, /snake_case/],
    [{ seeds: 0 }, /seeds must be a whole number from 1: 0/],
    [{ grid: { granularity: ["tensor", "channel"], bits: [] } }, /"bits" must have values/],
    [{ grid: { granularity: ["tensor", "channel"], bits: [4, 4] } }, /must not repeat/],
    [{ budget: { axis: "granularity", scale: "linear" } }, /axis of positive numbers/],
    [{ axes: { bits: { label: "bits" } } }, /"granularity" must have a label/],
    [
      { compare: [{ name: "x", first: { bits: 5 }, second: { bits: 4 } }] },
      /comparison "x" must be on the grid: bits = 5 is not/,
    ],
    [
      { compare: [{ name: "x", first: { bits: 4 }, second: { granularity: "tensor" } }] },
      /same axes on both sides/,
    ],
    [{ compare: [] }, /draws a comparison that does not exist/],
    [
      { charts: [{ ...smallExperiment.charts[0], x: "weightNorm" } as ChartSpec] },
      /chart "accuracy" must be drawn over what is measured: "weightNorm" is not/,
    ],
    [
      { trial: (_, seed) => ({ ...smallExperiment.baseline(seed), seed: calls++ }) },
      /must be a pure function/,
    ],
    [
      {
        baseline: (seed) => smallExperiment.trial({ granularity: "tensor", bits: 8 }, seed),
      },
      /baseline must be float32/,
    ],
  ];
  for (const [change, pattern] of wrong) assert.throws(variant(change), pattern);
});

Deno.test("definitions are all exported by their own names, and found by those", () => {
  const exported = new Set<unknown>(Object.values(experiments));
  for (const definition of experiments.definitions) {
    assert.ok(exported.has(definition), definition.name);
    assert.equal(experiments.findExperiment(definition.name), definition);
    assert.ok(experiments.experimentNames.includes(definition.name));
  }
});

Deno.test("bitWidth asks the question on 44 points, all of a seed on one network", () => {
  const plan = planTrials(bitWidth);
  assert.equal(plan.trials.length, 5 * (1 + 4 * 11));
  assert.equal(new Set(plan.trials.map(({ trial }) => networkId(trial))).size, 5);
  assert.deepEqual(bitWidth.published!.points[2], { budget: 3, testAccuracy: 0.7674 });
});

Deno.test("waveletThreshold shares its networks and baselines with bitWidth", () => {
  const plan = planTrials(waveletThreshold);
  assert.equal(plan.trials.length, 5 * (1 + 7 * 11));
  const networks = new Set(planTrials(bitWidth).trials.map(({ trial }) => networkId(trial)));
  assert.ok(plan.trials.every(({ trial }) => networks.has(networkId(trial))));
  assert.deepEqual(
    plan.rows[0].trials.map(({ id }) => id),
    planTrials(bitWidth).rows[0].trials.map(({ id }) => id),
  );
});

Deno.test("overrideExperiment() changes every trial and drops figures that no longer compare", () => {
  const changed = overrideExperiment(bitWidth, {
    seeds: 2,
    epochs: 1,
    dataset: "fashion_mnist",
    model: { kind: "fc_nn", hidden: [32] },
  });
  assert.equal(changed.name, "bit_width_fc_nn_32_fashion_mnist");
  const nameOf = (change: Parameters<typeof overrideExperiment>[1]) =>
    overrideExperiment(bitWidth, change).name;
  assert.equal(nameOf({ dataset: "mnist" }), "bit_width");
  assert.equal(nameOf({ dataset: "/data/my set/" }), "bit_width_my_set");
  assert.equal(nameOf({ model: MODELS.resnet20, dataset: "cifar10" }), "bit_width_resnet20");
  assert.equal(
    nameOf({ model: MODELS.mlp_128, dataset: "fashion-mnist" }),
    "bit_width_mlp_128_fashion_mnist",
  );
  assert.equal(nameOf({ model: MODELS.cnn, dataset: "cifar10" }), "bit_width_cnn_cifar10");
  const { trials } = planTrials(changed);
  assert.equal(trials.length, 2 * 45);
  for (const { trial } of trials) {
    assert.equal(trial.data.dataset, "fashion_mnist");
    assert.equal(trial.training.epochs, 1);
    assert.deepEqual(trial.model, { kind: "fc_nn", hidden: [32] });
  }
  assert.equal(changed.published, undefined);
  assert.ok(overrideExperiment(bitWidth, { seeds: 2 }).published);
});

Deno.test("overrideExperiment() refuses what makes no sense", () => {
  const refused = (change: Parameters<typeof overrideExperiment>[1], pattern: RegExp) =>
    assert.throws(() => overrideExperiment(waveletThreshold, change), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, pattern);
      return true;
    });
  refused({ seeds: 0 }, /seeds must be a whole number from 1: 0$/);
  refused({ epochs: 0.5 }, /epochs must be a whole number from 1: 0.5$/);
  const pretrained = "0".repeat(64);
  refused({ pretrained, epochs: 1 }, /checkpoint is one network .*: epochs and seeds must be left/);
  refused({ pretrained: "x" }, /must be the SHA-256 of its checkpoint: x$/);
  refused({ images: 0 }, /images to judge on must be a whole number from 1: 0$/);
  const onlyFcNN = { ...smallExperiment };
  assert.throws(
    () => overrideExperiment(onlyFcNN, { model: MODELS.resnet20 }),
    /model must be one of fc_nn: resnet$/,
  );
});

Deno.test("overrideExperiment() takes a part of the grid, and what can still be compared and drawn", () => {
  const part = overrideExperiment(qat, {
    seeds: 10,
    only: { estimator: ["learned", "ranges"], bits: ["1.585", "2"] },
  });
  assert.equal(part.name, "qat_learned_ranges_1_585_2");
  assert.deepEqual(part.grid.estimator, ["ranges", "learned"], "in the order of the grid");
  assert.deepEqual(part.grid.bits, [1.585, 2]);
  checkExperiment({ ...part });
  assert.ok(part.compare.length > 0);
  assert.ok(
    part.compare.every(({ first, second }) =>
      [first, second].every(({ estimator }) => part.grid.estimator.includes(estimator!))
    ),
  );
  assert.equal(part.control, undefined, "the control is not in it");
  const whole = new Set(planTrials({ ...qat, seeds: 10 }).trials.map(({ id }) => id));
  assert.ok(planTrials(part).trials.every(({ id }) => whole.has(id)), "trials are the same");
  const withControl = overrideExperiment(qat, { only: { estimator: ["float32", "learned"] } });
  assert.deepEqual(withControl.control, { estimator: "float32" });
  const shadow = overrideExperiment(octizationContrasts, { only: { master: ["post_training"] } });
  assert.equal(shadow.stepLogs, undefined, "none of its weights are rounded while they train");
  const refused = (only: Record<string, string[]>, message: RegExp) =>
    assert.throws(() => overrideExperiment(qat, { only }), { name: "UserError", message });
  refused({ bit: ["2"] }, /^Cannot find axis of qat "bit": .*did you mean "bits"\?$/);
  refused({ estimator: ["learnt"] }, /^Cannot find estimator of qat "learnt": known are float32, /);
  refused({ bits: ["2", "2"] }, /^Cannot sweep a part of qat: values of bits must differ: 2,2$/);
});

Deno.test("overrideExperiment() leaves out what a network cannot do, and says so", () => {
  const changed = overrideExperiment(ptqMethods, { model: MODELS.lenet_300_100 });
  const { method } = changed.grid;
  assert.deepEqual(
    ptqMethods.grid.method.filter((one) => !method.includes(one)),
    ["mse_group", "hqq_group", "gptq_group"],
  );
  const said = changed.method.slice(-3);
  for (const [i, arm] of ["least squares", "HQQ", "GPTQ"].entries()) {
    assert.match(said[i], new RegExp(`^Left out: ${arm}, groups of 16.* must divide every row: `));
  }
  checkExperiment({ ...changed });
  for (const { trial } of planTrials({ ...changed, seeds: 1 }).trials) checkTrial(trial);
  assert.equal(overrideExperiment(ptqMethods, { model: MODELS.mlp_128 }).grid, ptqMethods.grid);
  const unbound = { kind: "fc_nn", hidden: [128] } as const;
  const long = overrideExperiment(ptqMethods, { model: unbound, dataset: "cifar10" });
  assert.deepEqual(
    ptqMethods.grid.method.filter((one) => !long.grid.method.includes(one)),
    ["obq_channel"],
  );
  assert.match(long.method.at(-1)!, /at most 1024 weights for OBQ: one of fc1\.weight has 3072/);
  const tiny = { model: { kind: "fc_nn", hidden: [10] } } as const;
  assert.throws(
    () =>
      overrideExperiment(
        { ...ptqMethods, grid: { ...ptqMethods.grid, method: ["mse_group"] } },
        tiny,
      ),
    { name: "UserError", message: /a group of 16 weights must divide every row/ },
  );
});

Deno.test("overrideExperiment() asks convolutions for the matrix of all layers, under a name of its own", () => {
  for (const model of [MODELS.cnn_282k, MODELS.resnet20]) {
    const changed = overrideExperiment(waveletThreshold, { model, dataset: "cifar10" });
    assert.equal(changed.name, `wavelet_threshold_${modelName(model)}`);
    for (const { trial: { compression } } of planTrials(changed).trials) {
      checkTrial({ ...changed.baseline(0), compression });
      if (compression.kind !== "wavelet_threshold") continue;
      assert.deepEqual([compression.layout, compression.layers], ["matrix", "all"]);
    }
  }
  const mlp = overrideExperiment(waveletThreshold, { model: MODELS.mlp_128 });
  assert.ok(mlp.grid.arm.includes("haar_image"), "hidden units still see images");
});

Deno.test("generalisation trains every combination, the same seeds in all, and keeps its arms elsewhere", () => {
  const plan = planTrials(generalisation);
  const networksOf = (trials: typeof plan.trials) =>
    new Set(trials.map(({ trial }) => networkId(trial))).size;
  assert.equal(plan.trials.length, 3 * (1 + 8 * 5));
  assert.equal(networksOf(plan.trials), 3 * 8);
  const digits = planTrials(
    overrideExperiment(generalisation, { model: MODELS.cnn, dataset: "mnist", epochs: 2 }),
  );
  assert.equal(networksOf(digits.trials), 3 * 8, "dropout and augmentation are still arms");
  for (const { trial: { training } } of digits.trials) {
    assert.equal(training.augmentation?.horizontalFlip, undefined, "digits are not mirrored");
  }
});

Deno.test("overrideExperiment() makes one trial a point of a checkpoint, on as many images as asked", () => {
  const pretrained = "0".repeat(64);
  const changed = overrideExperiment(bitWidth, {
    model: MODELS.resnet20,
    dataset: "cifar10",
    pretrained,
    images: 1000,
  });
  const { trials } = planTrials(changed);
  assert.equal(trials.length, 45);
  assert.ok(trials.every(({ trial }) => trial.pretrained === pretrained && trial.images === 1000));
  assert.deepEqual(networkSentences(changed), [
    "The float32 network is resnet20 as a checkpoint has it (SHA-256 000000000000...); it is not " +
    "trained here.",
    "Batch norms are folded into the convolutions before them first, those of float32 too.",
    "Judged on the first 1,000 test images only: a preview.",
  ]);
  const whole = overrideExperiment(bitWidth, { model: MODELS.mlp_128 });
  assert.deepEqual(networkSentences(whole), [
    "A float32 network, mlp_128, is trained once for each seed on all training images of mnist, " +
    "10 epochs.",
    "Judged on all test images.",
  ]);
  const [first] = networkSentences(octizationProgramMnist);
  assert.match(
    first,
    /, octization_program_mnist, .* on the first 48,000 of all training images of/,
  );
});

Deno.test("modelName() is what the command line takes, or kind and sizes", () => {
  for (const [name, model] of Object.entries(MODELS)) assert.equal(modelName(model), name);
  assert.equal(modelName({ kind: "fc_nn", hidden: [128, 64] }), "fc_nn_128_64");
  assert.equal(modelName({ kind: "resnet", depth: 8 }), "resnet_8");
});
