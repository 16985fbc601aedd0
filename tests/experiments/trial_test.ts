import assert from "node:assert/strict";
import fc from "../support/fast_check.ts";
import { canonicalJson } from "../../experiments/canonical_json.ts";
import { checkTrial } from "../../experiments/check_trial.ts";
import { networkId, shortId, type Trial, trialId } from "../../experiments/trial.ts";
import { reconstructionPlan } from "../../compression/mod.ts";
import { UserError } from "../../formats/user_error.ts";
import { adam, sgd, type TrainingPlan } from "../../training/mod.ts";
import { smallExperiment } from "./small_experiment.ts";

const trial = smallExperiment.trial({ granularity: "tensor", bits: 4 }, 0);

Deno.test("canonicalJson() sorts keys, leaves out undefined and writes no whitespace", () => {
  assert.equal(
    canonicalJson({ b: [1, 2.5e-8, "x y"], a: { d: null, c: true }, z: undefined }),
    '{"a":{"c":true,"d":null},"b":[1,2.5e-8,"x y"]}',
  );
});

Deno.test("canonicalJson() does not depend on the order of keys, and parses back", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (data) => {
    // -0 is written as 0, as JSON.stringify does.
    const plain = JSON.parse(JSON.stringify(data));
    const reversed = Object.fromEntries(Object.entries(plain).reverse());
    assert.equal(canonicalJson(plain), canonicalJson(reversed));
    assert.deepEqual(JSON.parse(canonicalJson(plain)), JSON.parse(JSON.stringify(plain)));
  }));
});

Deno.test("canonicalJson() refuses numbers that JSON does not have, and says where", () => {
  assert.throws(() => canonicalJson({ a: [1, NaN] }), {
    name: "RangeError",
    message: "Cannot write JSON: numbers must be finite: $.a[1] is NaN",
  });
  assert.throws(() => canonicalJson({ a: new Map() }), TypeError);
  assert.throws(() => canonicalJson(() => 1), TypeError);
});

Deno.test("trialId() changes with every part of a trial, and networkId() not with compression", () => {
  const others: Trial[] = [
    { ...trial, seed: 1 },
    { ...trial, data: { ...trial.data, train: "split" } },
    { ...trial, model: { kind: "fc_nn", hidden: [64] } },
    { ...trial, training: { ...trial.training, epochs: 1 } },
  ];
  const ids = [trial, ...others].map(trialId);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(new Set([trial, ...others].map(networkId)).size, ids.length);
  assert.match(ids[0], /^[0-9a-f]{64}$/);
  assert.equal(shortId(ids[0]).length, 12);
  const pruned: Trial = {
    ...trial,
    compression: { kind: "magnitude_prune", keep: 0.5, layers: "first" },
  };
  assert.notEqual(trialId(pruned), trialId(trial));
  assert.equal(networkId(pruned), networkId(trial));
});

Deno.test("trialId() of what was known before plans could regularize is what it was", () => {
  assert.equal(trialId(trial), "5c496e56698db905e88cc1771786ddeb9e0b62ab895db41a830e9c6d0ad8887a");
  const { training } = trial;
  const spelled: Trial = { ...trial, training: { ...training, augmentation: undefined } };
  assert.equal(trialId(spelled), trialId(trial));
  const regularized: TrainingPlan[] = [
    { ...training, augmentation: { cropPadding: 4, horizontalFlip: true } },
    { ...training, augmentation: { cropPadding: 4, horizontalFlip: true, cutout: 8 } },
    { ...training, labelSmoothing: 0.1 },
    { ...training, emaDecay: 0.999 },
    { ...training, optimizer: adam({ weightDecay: 0.01 }) },
    { ...training, optimizer: sgd({ momentum: 0.9, nesterov: true, weightDecay: 5e-4 }) },
  ];
  const trials = regularized.map((plan): Trial => ({ ...trial, training: plan }));
  trials.forEach(checkTrial);
  assert.equal(new Set([trial, ...trials].map(networkId)).size, trials.length + 1);
});

Deno.test("trialId() tells previews and checkpoints apart, and networkId() checkpoints", () => {
  const pretrained = "ab".repeat(32);
  const others: Trial[] = [{ ...trial, images: 1000 }, { ...trial, pretrained }];
  others.forEach(checkTrial);
  assert.equal(new Set([trial, ...others].map(trialId)).size, 3);
  assert.equal(networkId(others[0]), networkId(trial));
  assert.notEqual(networkId(others[1]), networkId(trial));
  assert.equal(trialId({ ...trial, images: undefined, pretrained: undefined }), trialId(trial));
});

Deno.test("checkTrial() refuses numbers out of range in one line", () => {
  const affine = { kind: "affine", granularity: "tensor", activations: false } as const;
  const image = {
    kind: "wavelet_threshold",
    wavelet: "haar",
    levels: 1,
    mode: "periodization",
    keep: 0.5,
    layout: "image",
    layers: "first",
    threshold: "hard",
  } as const;
  const wrong: [Trial, RegExp][] = [
    [
      // as everywhere, types are checked by `deno task check`
      // @ts-expect-error 0 is not a width
      { ...trial, compression: { ...affine, bits: 0 } },
      /bits must be 1 to 16: 0$/,
    ],
    [
      // @ts-expect-error 17 is not a width
      { ...trial, compression: { ...affine, bits: 17 } },
      /bits must be 1 to 16: 17$/,
    ],
    [
      { ...trial, data: { ...trial.data, first: 0 } },
      /the count of training images must be a whole number from 1: 0$/,
    ],
    [
      {
        ...trial,
        model: {
          kind: "octization_program",
          layer: { of: "mnist", kernel: "towardZero" },
          bits: 0,
        },
      },
      /bits of a layer must be 1 to 16: 0$/,
    ],
    [
      // @ts-expect-error a width is whole
      { ...trial, compression: { ...affine, bits: 2.5 } },
      /bits/,
    ],
    [
      { ...trial, compression: { kind: "magnitude_prune", keep: 0, layers: "all" } },
      /keep ratio must be above 0 and at most 1: 0$/,
    ],
    [{ ...trial, seed: -1 }, /seed/],
    [
      { ...trial, model: { kind: "cnn", channels: [4] }, compression: image },
      /wavelet layout for cnn must be matrix, \[outputs, inputs x height x width\] .*: image$/,
    ],
    [
      { ...trial, compression: { ...image, layers: "all" } },
      /for all layers must be matrix: image$/,
    ],
    [{ ...trial, training: { ...trial.training, epochs: 0 } }, /epochs must be a whole number/],
    [{ ...trial, model: { kind: "fc_nn", hidden: [64, 0] } }, /width of a layer/],
    [
      { ...trial, training: { ...trial.training, labelSmoothing: -1, emaDecay: 2 } },
      /^Cannot run a trial: the label smoothing must be from 0 to 1: -1; the decay of averaged .*: 2$/,
    ],
  ];
  const nearest = {
    kind: "post_training",
    method: "nearest",
    weights: { grid: { kind: "affine", bits: 2 }, granularity: "channel" },
  } as const;
  wrong.push(
    [
      { ...trial, compression: { ...nearest, rescaling: { kind: "smoothed", alpha: 1.5 } } },
      /alpha of SmoothQuant must be 0 to 1: 1.5$/,
    ],
    [
      { ...trial, compression: { ...nearest, method: "gptq", images: 0 } },
      /count of calibration images must be a whole number from 1: 0$/,
    ],
    [
      {
        ...trial,
        compression: {
          ...nearest,
          method: "reconstruction",
          plan: { ...reconstructionPlan(), batchSize: 32 },
          images: 64,
          // @ts-expect-error there is no step to learn
          activations: { range: "dynamic", bits: 4 },
        },
      },
      /activations of a reconstruction must be on grids whose steps can learn: dynamic$/,
    ],
  );
  wrong.push([
    {
      ...trial,
      compression: {
        kind: "quantization_aware",
        spec: {
          weights: { kind: "learnedStep", bits: 2, granularity: "channel" },
          progressive: { bits: 8, steps: 10 },
        },
        training: { ...trial.training, emaDecay: 0.9 },
      },
    },
    /^Cannot run a trial: weights must not be averaged while bits fall: grids of several widths/,
  ]);
  checkTrial(trial);
  checkTrial({ ...trial, compression: { ...nearest, activations: { range: "dynamic", bits: 4 } } });
  for (const [bad, pattern] of wrong) {
    assert.throws(() => checkTrial(bad), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, pattern);
      return true;
    });
  }
});
