import assert from "node:assert/strict";
import { chooseWeightGrids, dequantizeWeight, roundToGrids } from "../../compression/mod.ts";
import { chunksOf, uploadImages } from "../../data/mod.ts";
import { initialParameters, readParameters } from "../../models/mod.ts";
import {
  adam,
  captureNetwork,
  decodeNetwork,
  encodeNetwork,
  evaluate,
  NonFiniteLossError,
  quantizationAware,
  type QuantizationAwareSpec,
  resumeOptions,
  type TrainingPlan,
  type WeightEstimator,
} from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";
import { smallModel } from "./small_set.ts";
import {
  accuracyOf,
  initialOf,
  PLAN,
  SET,
  trainedFloats,
  trainerOf,
  trainUnder,
  W2A2,
} from "./under_quantization.ts";

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

Deno.test("quantizationAware() finds ranges before it rounds to them, and refuses to do so for ever", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const inputs = { kind: "straightThrough", bits: 1, momentum: 0.001 } as const;
  const initial = [await trainedFloats(device)];
  const lossesOf = async (spec: QuantizationAwareSpec) => {
    const model = quantizationAware(smallModel, spec);
    const fresh = initialParameters(model, 1);
    using trainer = trainerOf(device, model, {
      seeds: [1],
      initial: [{ ...fresh, ...initial[0] }],
    });
    const losses = await trainer.train(9);
    const [{ "fc2.input.range": range }] = await readParameters(trainer.parameters);
    return { losses: losses.flat(), high: range?.[1] ?? NaN };
  };
  const floats = await lossesOf({});
  const [cold, warm] = [
    await lossesOf({ inputs }),
    await lossesOf({ inputs: { ...inputs, warmUp: 8 } }),
  ];
  for (let step = 0; step < 8; step++) {
    assert.ok(Math.abs(warm.losses[step] - floats.losses[step]) < 0.005, `step ${step}`);
  }
  assert.ok(warm.losses[8] > floats.losses[8] + 0.05, "then inputs have one bit");
  assert.ok(Math.abs(cold.high - 4) < 0.1, `a cold range stays near the guess: ${cold.high}`);
  assert.ok(Math.abs(warm.high - 4) > 0.5, `a warm one does not: ${warm.high}`);
  const endless = quantizationAware(smallModel, { inputs: { ...inputs, warmUp: 20 } });
  assert.throws(() => trainerOf(device, endless, { seeds: [0] }), {
    name: "UserError",
    message: /ranges must be warm before the end, after 20 steps: they are after 20$/,
  });
  assert.throws(() => quantizationAware(smallModel, { inputs: { ...inputs, warmUp: 0 } }), {
    message: /steps in which ranges warm up must be a whole number from 1: 0$/,
  });
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

Deno.test("initialQuantizationAware() names the layer whose input is not finite", async () => {
  const device = await testDevice();
  for (
    const [bias, what] of [[Infinity, "every value"], [3e38, "the sum of magnitudes"]] as const
  ) {
    const trained = { ...await trainedFloats(device) };
    trained["fc1.bias"] = trained["fc1.bias"].with(2, bias);
    await assert.rejects(
      initialOf(device, W2A2, trained),
      new RangeError(`Cannot calibrate "fc2": ${what} of its input must be finite: found Infinity`),
    );
  }
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

Deno.test("Trainer.train() of a quantization-aware model stops at a loss that is not finite", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const model = quantizationAware(smallModel, W2A2);
  const initial = [await initialOf(device, W2A2, await trainedFloats(device))];
  const optimizer = adam({ learningRate: 1e30 });
  using trainer = trainerOf(device, model, { seeds: [9], initial }, { ...PLAN, optimizer });
  await assert.rejects(trainer.train(Infinity), NonFiniteLossError);
});

Deno.test("Trainer.train() stops at once where a step of any layer is not finite", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const model = quantizationAware(smallModel, W2A2);
  const initial = await initialOf(device, W2A2, await trainedFloats(device));
  for (const name of ["fc1.weight.step", "fc2.weight.step", "fc2.input.step"]) {
    for (const broken of [Infinity, NaN]) {
      const step = initial[name].with(0, broken);
      using trainer = trainerOf(device, model, {
        seeds: [9],
        initial: [{ ...initial, [name]: step }],
      });
      await assert.rejects(
        trainer.train(Infinity),
        (error) => error instanceof NonFiniteLossError && error.step === 0,
      );
    }
  }
});

Deno.test("quantizationAware() says what it cannot do", () => {
  const weights = (given: WeightEstimator) => () =>
    quantizationAware(smallModel, { weights: given });
  assert.throws(
    // checked by `deno task check`, as tests are run without types
    // @ts-expect-error the combination does not type-check either
    weights({ kind: "straightThrough", bits: 1, granularity: "tensor", symmetric: true }),
    {
      name: "UserError",
      message: "Cannot train under quantization: a symmetric grid needs 2 bits or more, as its " +
        "zero point would be 0.5: 1",
    },
  );
  assert.throws(
    // @ts-expect-error signs are one bit
    () => quantizationAware(smallModel, { inputs: { kind: "learnedStep", bits: 2, signs: true } }),
    /signs are 1 bit: 2/,
  );
  assert.throws(
    weights({ kind: "learnedStep", bits: 2, granularity: { group: 5 } }),
    /"fc1.weight" of shape .* a group must divide a row of 16/,
  );
  assert.throws(
    () => quantizationAware(smallModel, { progressive: { bits: 8, steps: 0 } }),
    /steps of falling bit-widths must be a whole number from 1: 0/,
  );
  assert.throws(
    weights({ kind: "dorefa", bits: 2, granularity: { group: 0 } }),
    /a group of weights must be a whole number from 1: 0/,
  );
});

Deno.test("quantizationAware() and createTrainer() refuse falling bits that nothing or too much follows", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const progressive = { bits: 4, steps: 10 } as const;
  const granularity = "channel";
  const learned = { kind: "learnedStep", granularity } as const;
  const idle: readonly QuantizationAwareSpec[] = [
    {},
    { weights: { kind: "dorefa", bits: 2, granularity } },
    { weights: { ...learned, bits: 8 } },
    { weights: { ...learned, bits: 4 } },
    { weights: { ...learned, bits: 1 } },
    { weights: { ...learned, bits: "ternary" } },
    { inputs: { kind: "learnedClip", bits: 2 } },
    { inputs: { kind: "learnedStep", bits: 1, signs: true } },
  ];
  for (const spec of idle) {
    assert.throws(() => quantizationAware(smallModel, { ...spec, progressive }), {
      name: "UserError",
      message:
        "Cannot train under quantization: falling bit-widths must begin above those of a grid " +
        "of integers whose step learns, or nothing falls: 4",
    });
  }
  const spec: QuantizationAwareSpec = { inputs: { kind: "learnedStep", bits: 1 }, progressive };
  const model = quantizationAware(smallModel, spec);
  const averaged = { ...PLAN, emaDecay: 0.9 };
  assert.throws(() => trainerOf(device, model, { seeds: [0] }, averaged), {
    name: "UserError",
    message: /^Cannot train under quantization: weights must not be averaged while bits fall: /,
  });
  // a copy under another title quantizes all the same
  const copy = { ...model, title: "copy" };
  assert.throws(() => trainerOf(device, copy, { seeds: [0] }, averaged), { name: "UserError" });
  const slow = quantizationAware(smallModel, { ...spec, progressive: { bits: 4, steps: 1e6 } });
  assert.throws(() => trainerOf(device, slow, { seeds: [0] }), {
    message: /bits must have fallen by the end, after \d+ steps: they do after 1000000$/,
  });
  const fixed = quantizationAware(smallModel, { inputs: { kind: "learnedStep", bits: 1 } });
  trainerOf(device, fixed, { seeds: [0] }, averaged)[Symbol.dispose]();
});
