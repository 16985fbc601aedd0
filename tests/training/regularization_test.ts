import assert from "node:assert/strict";
import { dropout, gatherPixels } from "../../autograd/mod.ts";
import { chunksOf, uploadImages } from "../../data/mod.ts";
import type { Device } from "../../gpu/mod.ts";
import { type Model, readParameters } from "../../models/mod.ts";
import {
  adam,
  captureNetwork,
  createTrainer,
  decodeNetwork,
  encodeNetwork,
  evaluate,
  resumeOptions,
  sgd,
  type TrainerOptions,
  type TrainingPlan,
} from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";
import { relativeError } from "../support/relative_error.ts";
import { withBuffer } from "../models/with_buffer.ts";
import { PLAN, SET, smallModel } from "./small_set.ts";

const EVERYTHING: TrainingPlan = {
  ...PLAN,
  optimizer: adam({ learningRate: 0.02, weightDecay: 0.1 }),
  augmentation: { cropPadding: 1, horizontalFlip: true, cutout: 1 },
  labelSmoothing: 0.1,
  emaDecay: 0.9,
};

/** The small network with dropout of its pixels, and a buffer. */
const MODEL: Model = {
  ...withBuffer(smallModel),
  forward(parameters, input, hooks) {
    const x = "source" in input ? gatherPixels(input) : input;
    const dropped = dropout(x, { rate: 0.2, stream: 0, training: hooks?.training });
    return smallModel.forward(parameters, dropped, hooks);
  },
};

function start(device: Device, plan: TrainingPlan, options: TrainerOptions, model: Model = MODEL) {
  return createTrainer(device, model, uploadImages(device, SET), plan, options);
}

async function trainAll(device: Device, plan: TrainingPlan, seeds: number[]) {
  using _scope = device.scope();
  using trainer = start(device, plan, { seeds });
  const losses = await trainer.train(Infinity);
  return {
    losses,
    weights: await readParameters(trainer.parameters),
    averages: await readParameters(trainer.evaluated),
  };
}

for (
  const optimizer of [
    EVERYTHING.optimizer,
    sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  ]
) {
  const plan = { ...EVERYTHING, optimizer };
  Deno.test(`Trainer with everything on, resumed, equals uninterrupted bit for bit: ${optimizer.kind}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const whole = await trainAll(device, plan, [5]);
    assert.notDeepEqual(whole.weights, whole.averages);

    using before = start(device, plan, { seeds: [4, 5] });
    await before.train(13);
    const file = encodeNetwork(MODEL, await captureNetwork(before, 1));
    const options = resumeOptions(decodeNetwork(MODEL, file, "resumed.safetensors"));
    using after = start(device, plan, options);
    assert.deepEqual(await after.train(Infinity), whole.losses.slice(13));
    assert.deepEqual(await readParameters(after.parameters), whole.weights);
    assert.deepEqual(await readParameters(after.evaluated), whole.averages);
  });
}

Deno.test("Trainer with everything on trains three networks as it does one", async () => {
  const device = await testDevice();
  const seeds = [1, 2, 3];
  const together = await trainAll(device, EVERYTHING, seeds);
  for (const [p, seed] of seeds.entries()) {
    const alone = await trainAll(device, EVERYTHING, [seed]);
    assert.deepEqual(together.weights[p], alone.weights[0], `weights of seed ${seed}`);
    assert.deepEqual(together.averages[p], alone.averages[0], `average of seed ${seed}`);
    assert.deepEqual(together.losses.map((row) => row[p]), alone.losses.map(([loss]) => loss));
  }
});

Deno.test("TrainingPlan: each part changes what is learned", async () => {
  const device = await testDevice();
  const parts: Partial<TrainingPlan>[] = [
    {},
    { optimizer: EVERYTHING.optimizer },
    { augmentation: { cropPadding: 1 } },
    { augmentation: { horizontalFlip: true } },
    { augmentation: { cutout: 1 } },
    { labelSmoothing: 0.1 },
  ];
  const learned = new Set<string>();
  for (const part of parts) {
    const { weights } = await trainAll(device, { ...PLAN, ...part }, [1]);
    learned.add(`${weights[0]["fc2.weight"]}`);
  }
  assert.equal(learned.size, parts.length);
  const plain = await trainAll(device, PLAN, [1]);
  // an average only looks on, and an augmentation of nothing leaves the bytes where they are
  const watched = await trainAll(device, { ...PLAN, emaDecay: 0.9, augmentation: {} }, [1]);
  assert.deepEqual(watched.weights, plain.weights);
  assert.deepEqual(plain.averages, plain.weights);
});

Deno.test("TrainingPlan.emaDecay averages weights and buffers as float64 does", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const decay = 0.3;
  using trainer = start(device, { ...PLAN, emaDecay: decay }, { seeds: [7] });
  const [initial] = await readParameters(trainer.evaluated);
  assert.deepEqual([initial], await readParameters(trainer.parameters));
  const wanted = Object.fromEntries(
    Object.entries(initial).map(([name, values]) => [name, Float64Array.from(values)]),
  );
  for (let step = 0; step < 8; step++) {
    await trainer.train(1);
    const [weights] = await readParameters(trainer.parameters);
    const kept = Math.min(decay, (1 + step) / (10 + step));
    const [found] = await readParameters(trainer.evaluated);
    for (const [name, values] of Object.entries(weights)) {
      wanted[name] = wanted[name].map((value, i) => kept * value + (1 - kept) * values[i]);
      const error = relativeError(found[name], wanted[name]);
      assert.ok(error < 1e-6, `${name}, step ${step}: relative error ${error}`);
    }
  }
});

Deno.test("captureNetwork() gives the average by plain names: what evaluate() sees of the trainer", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const images = uploadImages(device, SET);
  using trainer = start(device, EVERYTHING, { seeds: [7] });
  await trainer.train(10);
  const saved = await captureNetwork(trainer);
  assert.deepEqual([saved.parameters], await readParameters(trainer.evaluated));
  assert.deepEqual([saved.unaveraged], await readParameters(trainer.parameters));
  const chunks = chunksOf(device, images);
  const [averaged] = await evaluate(MODEL, trainer.evaluated.tensors, 1, chunks);
  const [last] = await evaluate(MODEL, trainer.parameters.tensors, 1, chunks);
  assert.notEqual(averaged.loss, last.loss);
});

Deno.test("weight decay shrinks weights, but no biases and no buffers", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const [learningRate, weightDecay] = [0.125, 0.5];
  const constant = { ...PLAN, schedule: { kind: "constant" } as const };
  for (const make of [adam, sgd]) {
    const [plain, decayed, initial] = [[], [], []] as Float32Array[][];
    const names: string[] = [];
    for (const [into, options] of [[plain, {}], [decayed, { weightDecay }]] as const) {
      const plan = { ...constant, optimizer: make({ learningRate, ...options }) };
      using trainer = start(device, plan, { seeds: [3] });
      const [before] = await readParameters(trainer.parameters);
      await trainer.train(1);
      const [after] = await readParameters(trainer.parameters);
      if (into === plain) {
        names.push(...Object.keys(before)), initial.push(...Object.values(before));
      }
      into.push(...Object.values(after));
    }
    assert.ok(names.includes("norm.running_mean") && names.includes("fc2.weight"));
    for (const [i, name] of names.entries()) {
      const share = name.endsWith("weight") ? learningRate * weightDecay : 0;
      const wanted = plain[i].map((value, j) => value - share * initial[i][j]);
      assert.ok(relativeError(decayed[i], wanted) < 1e-6, name);
    }
  }
});

Deno.test("label smoothing keeps losses above the entropy of what they aim at", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const plan = { ...PLAN, epochs: 60, labelSmoothing: 0.4 };
  using trainer = start(device, plan, { seeds: [2] }, smallModel);
  const losses = await trainer.train(Infinity);
  // 0.7 on the label and 0.1 on each of the 3 others
  const entropy = -0.7 * Math.log(0.7) - 3 * 0.1 * Math.log(0.1);
  const last = losses.at(-1)![0];
  assert.ok(losses.every(([loss]) => loss >= entropy - 1e-6));
  assert.ok(last < entropy + 0.05, `${last}, entropy ${entropy}`);
});

Deno.test("createTrainer() resumes averages only where plan and checkpoint have them", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  for (const [before, after] of [[PLAN, EVERYTHING], [EVERYTHING, PLAN]]) {
    using trainer = start(device, before, { seeds: [1] });
    await trainer.train(2);
    const options = resumeOptions(await captureNetwork(trainer));
    const [plan, checkpoint] = before === PLAN
      ? ["asks for that", "one set of weights"]
      : ["does not ask for that", "both those and what training goes on from"];
    assert.throws(() => start(device, after, options), {
      name: "UserError",
      message: "Cannot resume training: plan and checkpoint must agree whether weights are " +
        `averaged or rounded: the plan ${plan}, the checkpoint has ${checkpoint}`,
    });
  }
});

Deno.test("createTrainer() refuses numbers out of range, all at once", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const wrong: TrainingPlan = {
    ...PLAN,
    optimizer: sgd({ weightDecay: -1 }),
    augmentation: { cropPadding: 1.5, cutout: -2 },
    labelSmoothing: 2,
    emaDecay: 1,
  };
  assert.throws(() => start(device, wrong, { seeds: [1] }), {
    name: "RangeError",
    message: "Cannot train: the crop padding must be a whole number from 0 to 32767: 1.5; " +
      "the cutout must be a whole number from 0 to 32767: -2; " +
      "the label smoothing must be from 0 to 1: 2; " +
      "the decay of averaged weights must be from 0 to less than 1: 1; " +
      "the weight decay must be at least 0: -1",
  });
});
