import assert from "node:assert/strict";
import { chunksOf, uploadImages } from "../../data/mod.ts";
import { read, tensor } from "../../gpu/mod.ts";
import { cnn, initialParameters, type Model, readParameters, resnet } from "../../models/mod.ts";
import {
  exportQuantizationAware,
  initialQuantizationAware,
  type InputEstimator,
  quantizationAware,
  type QuantizationAwareSpec,
  trainedInputGrids,
  trainedInputs,
  type WeightEstimator,
} from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";
import { smallModel } from "./small_set.ts";
import { logitsOf, PLAN, SET, trainerOf, trainUnder, W2A2 } from "./under_quantization.ts";

const WEIGHTS: readonly WeightEstimator[] = [
  { kind: "learnedStep", bits: 3, granularity: "channel" },
  { kind: "learnedStep", bits: "ternary", granularity: { group: 4 } },
  { kind: "learnedStep", bits: 1, granularity: "channel" },
  { kind: "straightThrough", bits: 4, granularity: "tensor" },
  { kind: "straightThrough", bits: 2, granularity: "channel", symmetric: true },
  { kind: "dorefa", bits: 3, granularity: "tensor" },
  { kind: "magnitude", levels: "binary", granularity: "channel" },
  { kind: "magnitude", levels: "ternary", granularity: "channel" },
];
const INPUTS: readonly InputEstimator[] = [
  { kind: "learnedStep", bits: 2 },
  { kind: "learnedStep", bits: 1, offset: true },
  { kind: "learnedClip", bits: 2 },
  { kind: "learnedStep", bits: 1, signs: true },
  { kind: "straightThrough", bits: 4, momentum: 0.1 },
];

for (const [i, weights] of WEIGHTS.entries()) {
  const inputs = INPUTS[i % INPUTS.length];
  const label = `${JSON.stringify(weights)} and ${JSON.stringify(inputs)}`;
  Deno.test(`exportQuantizationAware() gives the logits of training: ${label}`, async () => {
    const device = await testDevice();
    const spec: QuantizationAwareSpec = { weights, inputs, image: { bits: 4 } };
    const { model, parameters, losses, initial } = await trainUnder(device, spec);
    assert.ok(losses.flat().every(Number.isFinite));
    for (const name of Object.keys(initial)) {
      const isKept = /limits$|fc1.input.step$/.test(name);
      const what = `${name} ${isKept ? "stays" : "learns"}`;
      const same = parameters[name].every((value, k) => value === initial[name][k]);
      assert.equal(same, isKept, what);
    }
    const exported = await exportQuantizationAware(device, smallModel, spec, parameters);
    assert.deepEqual(Object.keys(exported.weights), smallModel.layers);
    for (const grid of Object.values(exported.weights).flatMap(({ grids }) => grids)) {
      // listed levels follow from one magnitude, which is what a file holds
      if (grid.kind === "codebook") assert.equal(grid.numbers, 1);
    }
    const logits = await logitsOf(device, model, parameters);
    assert.deepEqual(await logitsOf(device, exported.model, exported.parameters), logits);

    const hooked: Model = {
      ...smallModel,
      forward: (tensors, x) =>
        smallModel.forward(tensors, x, {
          layerInput: trainedInputs(device, smallModel, spec, parameters),
        }),
    };
    assert.deepEqual(await logitsOf(device, hooked, exported.parameters), logits);
  });

  Deno.test(`trainedInputGrids() lists the levels of trainedInputs(): ${label}`, async () => {
    const device = await testDevice();
    const spec: QuantizationAwareSpec = { weights, inputs, image: { bits: 4 } };
    const { parameters } = await trainUnder(device, spec);
    const grids = trainedInputGrids(smallModel, spec, parameters);
    assert.deepEqual(Object.keys(grids), smallModel.layers);
    using _scope = device.scope();
    const quantize = trainedInputs(device, smallModel, spec, parameters);
    const wide = Float32Array.from({ length: 8192 }, (_, i) => (i - 4096) / 256);
    const x = tensor(device, wide, [1, 64, 128]);
    for (const [layer, grid] of Object.entries(grids)) {
      const found = [...new Set(await read(quantize(layer, x)))].sort((a, b) => a - b);
      const levels = grid.kind === "codebook" ? grid.levels : Float32Array.from(
        { length: grid.qMax - grid.qMin + 1 },
        (_, i) => (grid.qMin + i - grid.zeroPoint) * grid.scale,
      );
      assert.equal(found.length, levels.length, layer);
      levels.forEach((level, i) => assert.ok(Math.abs(found[i] - level) < 1e-5, `${layer} ${i}`));
    }
  });
}

Deno.test("exportQuantizationAware() of weights whose bits fell has nothing left to fall", async () => {
  const device = await testDevice();
  const weights = { kind: "learnedStep", bits: 2, granularity: "channel" } as const;
  const spec: QuantizationAwareSpec = { weights, progressive: { bits: 4, steps: 4 } };
  const { model, parameters } = await trainUnder(device, spec);
  const exported = await exportQuantizationAware(device, smallModel, spec, parameters);
  assert.deepEqual(
    await logitsOf(device, exported.model, exported.parameters),
    await logitsOf(device, model, parameters),
  );
});

Deno.test("quantizationAware() wraps convolutions, and leaves batch norms to themselves", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const images = uploadImages(device, SET);
  const spec: QuantizationAwareSpec = { ...W2A2, image: { bits: 8 } };
  for (
    const float of [
      cnn({ inputShape: [1, 4, 4], channels: [4], classes: 4 }),
      resnet({ depth: 8, inputShape: [1, 4, 4], classes: 4 }),
    ]
  ) {
    const model = quantizationAware(float, spec);
    assert.equal(model.batchNorms, undefined);
    const initial = initialParameters(float, 1);
    const chunks = chunksOf(device, images);
    const start = await initialQuantizationAware(device, float, spec, initial, chunks);
    using trainer = trainerOf(device, model, { seeds: [1], initial: [start.parameters] }, {
      ...PLAN,
      epochs: 2,
    });
    const losses = (await trainer.train(Infinity)).flat();
    assert.ok(losses.every(Number.isFinite) && losses.at(-1)! < losses[0], `${losses}`);
    const [trained] = await readParameters(trainer.parameters);
    const exported = await exportQuantizationAware(device, float, spec, trained);
    assert.deepEqual(
      await logitsOf(device, exported.model, exported.parameters),
      await logitsOf(device, model, trained),
      float.title,
    );
  }
});

Deno.test("quantizationAware() leaves what it is told in float32", async () => {
  const device = await testDevice();
  const spec: QuantizationAwareSpec = {
    ...W2A2,
    firstWeights: "float",
    last: { weights: { kind: "learnedStep", bits: 8, granularity: "tensor" }, inputs: "float" },
  };
  const names = quantizationAware(smallModel, spec).parameters.map(({ name }) => name);
  assert.deepEqual(names.slice(smallModel.parameters.length), [
    "fc1.input.step",
    "fc1.input.limits",
    "fc2.weight.step",
    "fc2.weight.limits",
  ]);
  const { parameters } = await trainUnder(device, spec);
  const { weights } = await exportQuantizationAware(device, smallModel, spec, parameters);
  assert.deepEqual(Object.keys(weights), ["fc2"]);
  assert.equal(weights.fc2.grids.length, 1);
});
