import assert from "node:assert/strict";
import { decodeSafetensors, type SafetensorsTensor } from "../../formats/mod.ts";
import { read, run, tensor } from "../../gpu/mod.ts";
import {
  chooseMaxPool,
  maxPoolKernels,
  maxPoolParams,
  type MaxPoolShape,
} from "../../kernels/max_pool/max_pool.ts";
import { testDevice } from "../support/device.ts";

const FIXTURE = new URL("../fixtures/torch/convolution.safetensors", import.meta.url);
const { tensors, metadata } = decodeSafetensors(Deno.readFileSync(FIXTURE), "convolution");
const shapes: MaxPoolShape[] = JSON.parse(metadata.max_pool);

function fixture(index: number, name: string): SafetensorsTensor {
  const found = tensors.get(`max_pool.${index}.${name}`);
  assert.ok(found, `the fixture must hold ${name} of case ${index}`);
  return found;
}

for (const [index, shape] of shapes.entries()) {
  const label = `windows of ${shape.size}, stride ${shape.stride}`;
  Deno.test(`maxPoolKernels agree with PyTorch: case ${index}, ${label}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const params = maxPoolParams(shape);
    const inputs = ["x", "dy"].map((name) => {
      const { data } = fixture(index, name);
      assert.ok(data instanceof Float32Array);
      return tensor(device, data, [data.length]);
    });
    const [x, dy] = inputs;
    for (const constants of [{}, chooseMaxPool(params)]) {
      const { y, argmax } = run(maxPoolKernels.forward, { x }, params, { constants });
      const { dx } = run(maxPoolKernels.backward, { dy, positions: argmax }, params, { constants });
      assert.deepEqual(await read(y), fixture(index, "y").data);
      assert.deepEqual([...await read(argmax)], [...fixture(index, "argmax").data as Int32Array]);
      const found = await read(dx);
      const wanted = fixture(index, "dx").data as Float32Array;
      assert.equal(found.length, wanted.length);
      assert.ok(wanted.every((value, i) => Math.abs(found[i] - value) <= 1e-6));
    }
  });
}

Deno.test("maxPoolKernels.forward with RELU equals a ReLU before it, and blocks its gradient", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const params = maxPoolParams({ planes: 1, inHeight: 2, inWidth: 4, size: 2 });
  const x = tensor(device, Float32Array.of(-1, -2, 3, 1, -3, -4, 2, 5), [8]);
  const dy = tensor(device, Float32Array.of(7, 9), [2]);
  for (const HALVING of [0, 1]) {
    const constants = { HALVING, RELU: 1 };
    const { y, argmax } = run(maxPoolKernels.forward, { x }, params, { constants });
    const { dx } = run(maxPoolKernels.backward, { dy, positions: argmax }, params, {
      constants: { HALVING },
    });
    assert.deepEqual([...await read(y)], [0, 5]);
    assert.deepEqual([...await read(dx)], [0, 0, 0, 0, 0, 0, 0, 9]);
  }
});

Deno.test("chooseMaxPool() promises halves only where windows of 2 x 2 fill even sides", () => {
  const halving = (shape: Partial<MaxPoolShape>) =>
    chooseMaxPool(maxPoolParams({ planes: 1, inHeight: 8, inWidth: 8, size: 2, ...shape })).HALVING;
  assert.equal(halving({}), 1);
  assert.equal(halving({ inWidth: 7 }), 0);
  assert.equal(halving({ inHeight: 7 }), 0);
  assert.equal(halving({ stride: 1 }), 0);
  assert.equal(halving({ size: 3, stride: 2 }), 0);
});

Deno.test("maxPoolParams() refuses a window that does not fit", () => {
  assert.throws(() => maxPoolParams({ planes: 1, inHeight: 2, inWidth: 9, size: 3 }), {
    name: "RangeError",
    message: "Cannot pool: the window must fit into the input: window is [3, 3], input is [2, 9]",
  });
});
