import assert from "node:assert/strict";
import { uploadImages } from "../../data/mod.ts";
import type { Device } from "../../gpu/mod.ts";
import { readParameters } from "../../models/mod.ts";
import {
  captureNetwork,
  createTrainer,
  decodeNetwork,
  encodeNetwork,
  NonFiniteLossError,
  resumeOptions,
  sgd,
  type TrainerOptions,
  type TrainingPlan,
} from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";
import { withBuffer } from "../models/with_buffer.ts";
import { PLAN, SET, smallModel } from "./small_set.ts";

function start(device: Device, options: TrainerOptions, plan: TrainingPlan = PLAN) {
  return createTrainer(device, smallModel, uploadImages(device, SET), plan, options);
}

/** Trains to the end of the plan and gives losses and weights. */
async function trainAll(device: Device, options: TrainerOptions) {
  using _scope = device.scope();
  using trainer = start(device, options);
  const losses = await trainer.train(Infinity);
  return { losses, weights: await readParameters(trainer.parameters) };
}

Deno.test("Trainer.train() lets the loss fall", async () => {
  const device = await testDevice();
  const { losses } = await trainAll(device, { seeds: [1] });
  assert.equal(losses.length, 6 * PLAN.epochs);
  const [first, last] = [losses[0][0], losses.at(-1)![0]];
  assert.ok(first > 1.2 && last < 0.7 * first, `from ${first} to ${last}`);
});

Deno.test("Trainer.train() gives the same bits for the same seed", async () => {
  const device = await testDevice();
  const first = await trainAll(device, { seeds: [7] });
  assert.deepEqual(await trainAll(device, { seeds: [7] }), first);
  assert.notDeepEqual((await trainAll(device, { seeds: [8] })).weights, first.weights);
});

Deno.test("Trainer.train() of three seeds equals one at a time bit for bit", async () => {
  const device = await testDevice();
  const seeds = [1, 2, 3];
  const together = await trainAll(device, { seeds });
  for (const [p, seed] of seeds.entries()) {
    const alone = await trainAll(device, { seeds: [seed] });
    assert.deepEqual(together.weights[p], alone.weights[0], `weights of seed ${seed}`);
    assert.deepEqual(together.losses.map((row) => row[p]), alone.losses.map(([loss]) => loss));
  }
});

for (const optimizer of [PLAN.optimizer, sgd({ learningRate: 0.1, momentum: 0.9 })]) {
  Deno.test(`Trainer resumed from a file equals uninterrupted bit for bit: ${optimizer.kind}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const plan = { ...PLAN, optimizer };
    using whole = start(device, { seeds: [5] }, plan);
    const losses = await whole.train(Infinity);

    using before = start(device, { seeds: [4, 5] }, plan);
    await before.train(13);
    const file = encodeNetwork(smallModel, await captureNetwork(before, 1));
    const options = resumeOptions(decodeNetwork(smallModel, file, "resumed.safetensors"));
    assert.deepEqual([options.seeds, options.stepsDone], [[5], 13]);
    using after = start(device, options, plan);
    assert.deepEqual(await after.train(Infinity), losses.slice(13));
    assert.deepEqual(
      await readParameters(after.parameters),
      await readParameters(whole.parameters),
    );
  });
}

Deno.test("Trainer.train() leaves buffers alone, and resumes beside them", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const model = withBuffer(smallModel);
  const images = uploadImages(device, SET);
  using whole = createTrainer(device, model, images, PLAN, { seeds: [5] });
  await whole.train(Infinity);
  const [weights] = await readParameters(whole.parameters);
  assert.deepEqual(weights["norm.running_mean"], new Float32Array(8).fill(0.25));

  using before = createTrainer(device, model, images, PLAN, { seeds: [5] });
  await before.train(13);
  const file = encodeNetwork(model, await captureNetwork(before));
  const options = resumeOptions(decodeNetwork(model, file, "resumed.safetensors"));
  using after = createTrainer(device, model, images, PLAN, options);
  await after.train(Infinity);
  assert.deepEqual(await readParameters(after.parameters), [weights]);
});

Deno.test("Trainer.train() takes no more memory for 2,000 steps than for 20", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  using trainer = start(device, { seeds: [1] }, { ...PLAN, epochs: 400 });
  await trainer.train(20);
  const before = device.stats();
  const losses = await trainer.train(2000);
  assert.equal(losses.length, 2000);
  assert.deepEqual(device.stats(), before);
  assert.equal(trainer.stepsDone, 2020);
});

Deno.test("Trainer gives all its memory back when its scope closes", async () => {
  const device = await testDevice();
  const before = device.stats().liveBytes;
  await trainAll(device, { seeds: [1, 2] });
  assert.equal(device.stats().liveBytes, before);
});

Deno.test("Trainer.train() stops at a loss that is not finite, with step and seed", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  using trainer = start(device, { seeds: [6] }, {
    ...PLAN,
    optimizer: sgd({ learningRate: 1e30 }),
    schedule: { kind: "constant" },
  });
  await assert.rejects(trainer.train(10), (error) => {
    assert.ok(error instanceof NonFiniteLossError);
    assert.equal(error.seed, 6);
    assert.ok(error.step >= 1 && error.step < 10, `step ${error.step}`);
    assert.match(
      error.message,
      /^Cannot go on training: the loss must be finite: at step \d, seed 6/,
    );
    return true;
  });
});

Deno.test("Trainer.train() ends with the plan", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  using trainer = start(device, { seeds: [1] });
  assert.equal(trainer.stepsPerEpoch, 6);
  assert.equal(trainer.totalSteps, 30);
  assert.equal((await trainer.train(1000)).length, 30);
  assert.deepEqual(await trainer.train(5), []);
});

Deno.test("createTrainer() refuses plans that cannot be carried out", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  for (const batchSize of [0, 1.5, 101]) {
    assert.throws(() => start(device, { seeds: [1] }, { ...PLAN, batchSize }), {
      name: "RangeError",
      message: `Cannot train with batches of ${batchSize}: the batch size must be a whole number ` +
        "from 1 to the 100 examples of the training set",
    });
  }
  assert.throws(() => start(device, { seeds: [] }), {
    name: "RangeError",
    message: "Cannot train for 5 epochs with 0 seeds: both must be at least 1",
  });
  assert.throws(() => start(device, { seeds: [1], state: { velocity: [] } }), {
    name: "RangeError",
    message: 'Cannot resume training: the optimizer must have the state "velocity": adam has m, v',
  });
});
