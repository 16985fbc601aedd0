import assert from "node:assert/strict";
import { chooseWeightGrids, dequantizeWeight, roundToGrids } from "../../compression/mod.ts";
import { chunksOf, uploadImages } from "../../data/mod.ts";
import { type Device, read } from "../../gpu/mod.ts";
import {
  type HostParameters,
  initialParameters,
  type Model,
  readParameters,
  uploadParameters,
} from "../../models/mod.ts";
import {
  adam,
  captureNetwork,
  createTrainer,
  decodeNetwork,
  encodeNetwork,
  evaluate,
  exportQuantizationAware,
  initialQuantizationAware,
  type InputEstimator,
  quantizationAware,
  type QuantizationAwareSpec,
  resumeOptions,
  type TrainerOptions,
  type TrainingPlan,
  type WeightEstimator,
} from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";
import { smallModel, smallSet } from "./small_set.ts";

const SET = smallSet(128);
const PLAN: TrainingPlan = {
  optimizer: adam({ learningRate: 0.01 }),
  schedule: { kind: "cosine", finalFraction: 0 },
  epochs: 5,
  batchSize: 32,
};
const W2A2: QuantizationAwareSpec = {
  weights: { kind: "learnedStep", bits: 2, granularity: "channel" },
  inputs: { kind: "learnedStep", bits: 2, offset: true },
  image: { bits: 2 },
};

function trainerOf(device: Device, model: Model, options: TrainerOptions, plan = PLAN) {
  return createTrainer(device, model, uploadImages(device, SET), plan, options);
}

let floats: Promise<HostParameters> | undefined;

/** A float network that knows the small set. */
function trainedFloats(device: Device): Promise<HostParameters> {
  return floats ??= (async () => {
    using _scope = device.scope();
    using trainer = trainerOf(device, smallModel, { seeds: [3] }, { ...PLAN, epochs: 40 });
    await trainer.train(Infinity);
    return (await readParameters(trainer.parameters))[0];
  })();
}

async function initialOf(device: Device, spec: QuantizationAwareSpec, trained: HostParameters) {
  using _scope = device.scope();
  return await initialQuantizationAware(
    device,
    smallModel,
    spec,
    trained,
    chunksOf(device, uploadImages(device, SET)),
  );
}

async function accuracyOf(device: Device, model: Model, parameters: HostParameters) {
  using _scope = device.scope();
  const { tensors } = uploadParameters(device, model, [parameters]);
  const [{ accuracy }] = await evaluate(
    model,
    tensors,
    1,
    chunksOf(device, uploadImages(device, SET)),
  );
  return accuracy;
}

async function logitsOf(device: Device, model: Model, parameters: HostParameters) {
  using _scope = device.scope();
  const { tensors } = uploadParameters(device, model, [parameters]);
  const [{ source, rows }] = chunksOf(device, uploadImages(device, SET));
  return await read(model.forward(tensors, { source, rows }));
}

/** Trains under quantization from a float network to the end of the plan. */
async function trainUnder(device: Device, spec: QuantizationAwareSpec, plan = PLAN) {
  using _scope = device.scope();
  const trained = await trainedFloats(device);
  const model = quantizationAware(smallModel, spec);
  const initial = [await initialOf(device, spec, trained)];
  using trainer = trainerOf(device, model, { seeds: [1], initial }, plan);
  const losses = await trainer.train(Infinity);
  const [parameters] = await readParameters(trainer.parameters);
  return { model, losses, parameters, initial: initial[0] };
}

Deno.test("quantizationAware() at 2 bits beats rounding the trained network", async () => {
  const device = await testDevice();
  const trained = await trainedFloats(device);
  const weights = { kind: "learnedStep", bits: 2, granularity: "tensor" } as const;
  const { model, parameters } = await trainUnder(device, { weights }, { ...PLAN, epochs: 20 });
  const rounded: Record<string, Float32Array<ArrayBuffer>> = { ...trained };
  for (const layer of smallModel.layers) {
    const { name, shape } = smallModel.parameters.find((p) => p.name === `${layer}.weight`)!;
    const grids = chooseWeightGrids(trained[name], shape, {
      grid: { kind: "affine", bits: 2, symmetric: true },
      granularity: "tensor",
      observer: { kind: "minMax" },
    });
    rounded[name] = dequantizeWeight(roundToGrids(trained[name], shape, grids, "nearestEven"));
  }
  const [aware, post] = [
    await accuracyOf(device, model, parameters),
    await accuracyOf(device, smallModel, rounded),
  ];
  assert.ok(aware > 0.9 && aware > post + 0.05, `${aware} against ${post}`);
});

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
    assert.deepEqual(
      await logitsOf(device, exported.model, exported.parameters),
      await logitsOf(device, model, parameters),
    );
  });
}

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

Deno.test("Trainer of a quantization-aware model resumes bit for bit, and trains populations", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const spec: QuantizationAwareSpec = { ...W2A2, progressive: { bits: 4, steps: 12 } };
  const model = quantizationAware(smallModel, spec);
  const initial = await initialOf(device, spec, await trainedFloats(device));
  using whole = trainerOf(device, model, { seeds: [5], initial: [initial] });
  const losses = await whole.train(Infinity);
  const [wanted] = await readParameters(whole.parameters);

  using before = trainerOf(device, model, { seeds: [4, 5], initial: [initial, initial] });
  await before.train(7);
  const file = encodeNetwork(model, await captureNetwork(before, 1));
  using after = trainerOf(device, model, resumeOptions(decodeNetwork(model, file, "resumed")));
  assert.deepEqual(await after.train(Infinity), losses.slice(7));
  assert.deepEqual((await readParameters(after.parameters))[0], wanted);
  await before.train(Infinity);
  assert.deepEqual((await readParameters(before.parameters))[1], wanted);

  const [evaluated] = await evaluate(
    model,
    before.parameters.tensors,
    2,
    chunksOf(device, uploadImages(device, SET)),
  ).then(([, second]) => [second]);
  const [alone] = await evaluate(
    model,
    whole.parameters.tensors,
    1,
    chunksOf(device, uploadImages(device, SET)),
  );
  assert.deepEqual(evaluated, alone);
});

Deno.test("quantizationAware() lowers bits one by one, and ends at those asked for", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const spec: QuantizationAwareSpec = { ...W2A2, progressive: { bits: 4, steps: 12 } };
  const model = quantizationAware(smallModel, spec);
  const initial = [await initialOf(device, spec, await trainedFloats(device))];
  using trainer = trainerOf(device, model, { seeds: [1], initial });
  const seen: number[][] = [[...initial[0]["fc2.weight.limits"].slice(0, 2)]];
  for (let i = 0; i < 4; i++) {
    await trainer.train(4);
    const [now] = await readParameters(trainer.parameters);
    seen.push([...now["fc2.weight.limits"].slice(0, 2)]);
    assert.equal(now["fc2.input.limits"][1], [15, 7, 3, 3][i]);
  }
  assert.deepEqual(seen, [[-8, 7], [-8, 7], [-4, 3], [-2, 1], [-2, 1]]);
});

Deno.test("initialQuantizationAware() begins at 2 mean|w| / sqrt(qMax)", async () => {
  const device = await testDevice();
  const trained = await trainedFloats(device);
  const initial = await initialOf(device, W2A2, trained);
  const row = trained["fc1.weight"].subarray(16, 32);
  const mean = row.reduce((sum, w) => sum + Math.abs(w), 0) / 16;
  assert.ok(Math.abs(initial["fc1.weight.step"][1] - 2 * mean) < 1e-6);
  assert.deepEqual([...initial["fc1.weight.limits"].slice(0, 4)], [-2, 1, -2, 1]);
  assert.deepEqual([...initial["fc1.input.step"]], [Math.fround(1 / 3)]);
  assert.ok(initial["fc2.input.step"][0] > 0.01);
  assert.deepEqual(
    Object.keys(initialParameters(quantizationAware(smallModel, W2A2), 1)).sort(),
    [
      ...Object.keys(initial),
    ].sort(),
  );
});

Deno.test("Trainer.train() distills what a teacher knows", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const teacher = { model: smallModel, parameters: [await trainedFloats(device)] };
  const plan: TrainingPlan = { ...PLAN, epochs: 20, distillation: { weight: 1, temperature: 2 } };
  using same = trainerOf(device, smallModel, {
    seeds: [1],
    initial: teacher.parameters,
    teacher,
  }, plan);
  const [[first]] = await same.train(1);
  assert.ok(Math.abs(first) < 1e-5, `a network agrees with itself: ${first}`);
  using other = trainerOf(device, smallModel, { seeds: [1], teacher }, plan);
  const losses = await other.train(Infinity);
  assert.ok(losses.at(-1)![0] < 0.5 * losses[0][0]);
  assert.throws(
    () => trainerOf(device, smallModel, { seeds: [1] }, plan),
    {
      name: "RangeError",
      message: "Cannot distill: each of 1 networks needs a teacher for images of 1 x 4 x 4 in 4 " +
        "classes: there is none",
    },
  );
});

Deno.test("quantizationAware() says what it cannot do", () => {
  const weights = (given: WeightEstimator) => () =>
    quantizationAware(smallModel, { weights: given });
  assert.throws(
    weights({ kind: "straightThrough", bits: 1, granularity: "tensor", symmetric: true }),
    {
      name: "UserError",
      message: "Cannot train under quantization: a symmetric grid needs 2 bits or more, as its " +
        "zero point would be 0.5: 1",
    },
  );
  assert.throws(
    weights({ kind: "learnedStep", bits: 2, granularity: { group: 5 } }),
    /a group must divide a row of 16/,
  );
  assert.throws(
    () => quantizationAware(smallModel, { progressive: { bits: 8, steps: 0 } }),
    /steps of falling bit-widths must be a whole number from 1: 0/,
  );
});
