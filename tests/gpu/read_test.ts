import assert from "node:assert/strict";
import { empty, read, readAll, reshape, run, slice, tensor, write, zeros } from "../../gpu/mod.ts";
import { testDevice } from "../support/device.ts";
import { scaleKernels, scaleParams } from "./scale_kernels.ts";

Deno.test("read() gives back every bit that tensor() uploaded, of every dtype", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const uploads = [
    new Float32Array([0, -0, 1e-40, -Infinity, NaN, Math.PI]),
    new Uint32Array([0, 2 ** 32 - 1, 7]),
    new Int32Array([-(2 ** 31), -1, 2 ** 31 - 1, 0, 5]),
  ];
  const tensors = uploads.map((data) => tensor(device, data));
  assert.deepEqual(tensors.map(({ dtype }) => dtype), ["f32", "u32", "i32"]);
  assert.deepEqual(await readAll(tensors), uploads);
});

Deno.test("read() of a slice gives its elements only", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const all = tensor(device, Float32Array.from({ length: 200 }, (_, i) => i));
  assert.deepEqual([...await read(slice(all, 64, [1, 3]))], [64, 65, 66]);
  assert.deepEqual([...await read(slice(slice(all, 64, [100]), 64, [2]))], [128, 129]);
});

Deno.test("read() of nothing gives nothing", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  assert.deepEqual(await readAll([]), []);
  assert.deepEqual(await read(empty(device, [0, 3])), new Float32Array());
});

Deno.test("read() in parallel gives each its own", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const reads = Array.from({ length: 20 }, (_, i) => read(tensor(device, [i, i + 1])));
  (await Promise.all(reads)).forEach((found, i) => assert.deepEqual([...found], [i, i + 1]));
});

Deno.test("zeros() is zero where the pool hands out used memory", async () => {
  const device = await testDevice();
  {
    using _used = device.scope();
    tensor(device, new Float32Array(500).fill(7));
  }
  using _scope = device.scope();
  assert.ok((await read(zeros(device, [500]))).every((value) => value === 0));
});

Deno.test("synchronize() waits for every dispatch and throws nothing if all is well", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  run(scaleKernels.scale, { x: tensor(device, [1]) }, scaleParams(1));
  await device.synchronize();
  assert.ok(!device.stream.pending);
});

Deno.test("tensor(), reshape(), slice() and write() refuse sizes that do not fit", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = zeros(device, [2, 64]);
  const refusals: [() => unknown, string][] = [
    [
      () => tensor(device, [1, 2, 3], [2, 2]),
      "Cannot make a tensor of shape [2, 2]: it holds 4 elements: 3 were given",
    ],
    [
      () => empty(device, [2, -1]),
      "Cannot make a tensor: sizes must be whole numbers: shape is [2, -1]",
    ],
    [
      () => empty(device, [0.5]),
      "Cannot make a tensor: sizes must be whole numbers: shape is [0.5]",
    ],
    [() => reshape(x, [127]), "Cannot reshape: sizes must be equal: from [2, 64] to [127]"],
    [
      () => slice(x, 64, [65]),
      "Cannot slice 65 elements at 64: tensor of shape [2, 64] has 128",
    ],
    [
      () => slice(x, 32, [4]),
      "Cannot slice at element 32: WebGPU binds at multiples of 64 elements",
    ],
    [
      () => write(x, new Float32Array(3)),
      "Cannot write 3 elements into a tensor of shape [2, 64]",
    ],
  ];
  for (const [attempt, message] of refusals) {
    assert.throws(attempt, { name: "RangeError", message });
  }
});

Deno.test("write() refuses numbers of another dtype", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = zeros(device, [2], "u32");
  assert.throws(() => write(x, new Float32Array(2)), {
    name: "RangeError",
    message: "Cannot write Float32Array into a tensor of u32",
  });
});
