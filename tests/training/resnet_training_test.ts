import assert from "node:assert/strict";
import { chunksOf, uploadImages } from "../../data/mod.ts";
import { readParameters, resnet } from "../../models/mod.ts";
import {
  captureNetwork,
  createTrainer,
  decodeNetwork,
  encodeNetwork,
  evaluate,
  resumeOptions,
  sgd,
  type TrainingPlan,
} from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";
import { smallSet } from "./small_set.ts";

const model = resnet({ depth: 8, width: 4, inputShape: [1, 4, 4], classes: 4 });
const PLAN: TrainingPlan = {
  optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
  schedule: { kind: "cosine", finalFraction: 0 },
  epochs: 8,
  batchSize: 20,
};

Deno.test("Trainer trains a residual network, which then infers by its running statistics", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const images = uploadImages(device, smallSet(200));
  using trainer = createTrainer(device, model, images, PLAN, { seeds: [1] });
  const [[first]] = await trainer.train(1);
  const last = (await trainer.train(Infinity)).at(-1)![0];
  assert.ok(last < 0.3 * first, `from ${first} to ${last}`);
  const judge = chunksOf(device, uploadImages(device, smallSet(100, 2)));
  const [{ accuracy }] = await evaluate(model, trainer.parameters.tensors, 1, judge);
  assert.ok(accuracy > 0.9, `accuracy ${accuracy}`);
});

Deno.test("Trainer of a residual network resumed from a file equals uninterrupted bit for bit", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const images = uploadImages(device, smallSet(200));
  const plan = { ...PLAN, epochs: 2 };
  using whole = createTrainer(device, model, images, plan, { seeds: [5] });
  await whole.train(Infinity);

  using before = createTrainer(device, model, images, plan, { seeds: [4, 5] });
  await before.train(7);
  const file = encodeNetwork(model, await captureNetwork(before, 1));
  const options = resumeOptions(decodeNetwork(model, file, "resumed.safetensors"));
  using after = createTrainer(device, model, images, plan, options);
  await after.train(Infinity);
  assert.deepEqual(await readParameters(after.parameters), await readParameters(whole.parameters));
});
