import assert from "node:assert/strict";
import { read, readAll, run, tensor, zeros } from "../../gpu/mod.ts";
import { accuracyKernels } from "../../kernels/mod.ts";
import { testDevice } from "../support/device.ts";

const NO_CLASS = 0xffff_ffff;

Deno.test("accuracy.predict takes the lowest of equal classes and none where a logit is NaN", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const rows = [[1, 3, 3], [NaN, 1, 2], [1, NaN, 2], [2, 1, NaN], [-1, -1, -1], [-9, -8, -7]];
  const logits = tensor(device, new Float32Array(rows.flat()));
  const labels = tensor(device, new Uint32Array(rows.length));
  const params = { rows: rows.length, classes: 3, labelRows: rows.length, networks: 1 };
  const { predictionsOut } = run(accuracyKernels.predict, { logits, labels }, params);
  assert.deepEqual([...await read(predictionsOut)], [1, NO_CLASS, NO_CLASS, NO_CLASS, 0, 2]);
});

Deno.test("accuracy.count adds up over the chunks of a set and skips rows without a class", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const counts = zeros(device, [2, 4], "u32");
  const lossSums = zeros(device, [2]);
  const labels = tensor(device, new Uint32Array([0, 1, 2]));
  const params = { rows: 6, classes: 3, labelRows: 3, networks: 2 };
  for (const predictions of [[0, 1, 1, 2, 2, 2], [0, NO_CLASS, 2, 0, 0, 0]]) {
    run(accuracyKernels.count, {
      labels,
      predictions: tensor(device, new Uint32Array(predictions)),
      losses: tensor(device, [1, 2, 3, 10, 20, 30]),
      counts,
      lossSums,
    }, params);
  }
  const [tallies, sums] = await readAll([counts, lossSums]);
  assert.deepEqual([...tallies], [4, 2, 2, 1, 2, 3, 0, 3]);
  assert.deepEqual([...sums], [12, 120]);
});

Deno.test("accuracy.count refuses more classes than its histogram holds", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const one = tensor(device, new Uint32Array(1));
  const inputs = {
    labels: one,
    predictions: one,
    losses: zeros(device, [1]),
    counts: zeros(device, [1026], "u32"),
    lossSums: zeros(device, [1]),
  };
  const params = { rows: 1, classes: 1025, labelRows: 1, networks: 1 };
  assert.throws(() => run(accuracyKernels.count, inputs, params), {
    name: "RangeError",
    message: "Cannot count predictions: a network must have at most 1024 classes: 1025",
  });
});
