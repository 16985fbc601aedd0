import assert from "node:assert/strict";
import { uploadImages } from "../../data/mod.ts";
import { read } from "../../gpu/mod.ts";
import { adam, createTrainer } from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";
import { smallModel, smallSet } from "./small_set.ts";

Deno.test("stepEagerly() gives the same bits as the recording, and keeps no memory", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const images = uploadImages(device, smallSet(100, 3));
  const plan = {
    optimizer: adam(),
    schedule: { kind: "constant" },
    epochs: 2,
    batchSize: 20,
  } as const;
  using recorded = createTrainer(device, smallModel, images, plan, { seeds: [1, 2] });
  using eager = createTrainer(device, smallModel, images, plan, { seeds: [1, 2] });
  await recorded.train(4);
  eager.stepEagerly();
  const { liveBytes } = device.stats();
  for (let i = 0; i < 3; i++) eager.stepEagerly();
  assert.equal(device.stats().liveBytes, liveBytes);
  assert.equal(eager.stepsDone, 4);
  assert.deepEqual(await read(eager.parameters.flat), await read(recorded.parameters.flat));
});
