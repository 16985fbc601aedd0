import assert from "node:assert/strict";
import { chooseQuantParams, dequantize, quantize } from "../../compression/mod.ts";
import { read, tensor } from "../../gpu/mod.ts";
import { quantizedInputs } from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";

const X = [0, 0.4, 1.6, 3, 5];
const GRIDS = [1, 2, 8].map((bits) => chooseQuantParams({ low: 0, high: 3 }, bits));
const WANTED = GRIDS.flatMap((grid) =>
  X.map((value) => dequantize(quantize(Math.fround(value), grid), grid))
);

Deno.test("quantizedInputs() puts the input of every network on its own grid", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const hook = quantizedInputs(device, GRIDS.map((fc2) => ({ fc2 })));
  const own = tensor(device, GRIDS.flatMap(() => X), [3, 1, 5]);
  assert.deepEqual([...await read(hook("fc2", own))], WANTED);
  const shared = hook("fc2", tensor(device, X, [1, 1, 5]));
  assert.deepEqual(shared.shape, [3, 1, 5]);
  assert.deepEqual([...await read(shared)], WANTED);
});

Deno.test("quantizedInputs() leaves the inputs of layers without grids as they are", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const hook = quantizedInputs(device, [{ fc2: GRIDS[0] }]);
  const x = tensor(device, X, [1, 1, 5]);
  assert.equal(hook("fc1", x), x);
});
