import assert from "node:assert/strict";
import {
  add,
  averagePool,
  backward,
  globalAveragePool,
  optionAShortcut,
} from "../../autograd/mod.ts";
import { read, tensor } from "../../gpu/mod.ts";
import { randomSource, standardNormal } from "../../kernels/mod.ts";
import { testDevice } from "../support/device.ts";
import { relativeError } from "../support/relative_error.ts";

function draw(length: number, seed: number): Float32Array<ArrayBuffer> {
  const random = randomSource(seed);
  return Float32Array.from({ length }, () => standardNormal(random));
}

Deno.test("add() adds, and hands its gradient to both", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const [a, b, dy] = [1, 2, 3].map((seed) => draw(30, seed));
  const [left, right] = [tensor(device, a, [2, 15]), tensor(device, b, [2, 15])];
  const y = add(left, right);
  assert.deepEqual(await read(y), a.map((value, i) => Math.fround(value + b[i])));
  const gradients = backward(y, [left, right], { seed: tensor(device, dy, [2, 15]) });
  for (const side of [left, right]) assert.deepEqual(await read(gradients.get(side)!), dy);

  const twice = add(left, left);
  const doubled = backward(twice, [left], { seed: tensor(device, dy, [2, 15]) });
  assert.deepEqual(await read(doubled.get(left)!), dy.map((value) => 2 * value));
  assert.throws(() => add(left, tensor(device, b, [15, 2])), {
    name: "RangeError",
    message: "Cannot add: shapes must be equal: a is [2, 15], b is [15, 2]",
  });
});

Deno.test("globalAveragePool() averages each channel, and spreads its gradient evenly", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const pixels = 35;
  const values = draw(2 * 3 * 4 * pixels, 4);
  const x = tensor(device, values, [2, 3, 4, 5, 7]);
  const y = globalAveragePool(x);
  assert.deepEqual(y.shape, [2, 3, 4]);
  const means = Float64Array.from(
    { length: 24 },
    (_, plane) =>
      values.subarray(plane * pixels, (plane + 1) * pixels).reduce((sum, v) => sum + v, 0) / pixels,
  );
  assert.ok(relativeError(await read(y), means) < 1e-6);
  const dy = draw(24, 5);
  const gradients = backward(y, [x], { seed: tensor(device, dy, [2, 3, 4]) });
  const wanted = values.map((_, i) => dy[Math.floor(i / pixels)] / pixels);
  assert.ok(relativeError(await read(gradients.get(x)!), wanted) < 1e-6);
});

Deno.test("optionAShortcut() takes every second row and column between channels of zeros", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, Float32Array.from({ length: 12 }, (_, i) => i + 1), [1, 1, 1, 3, 4]);
  const y = optionAShortcut(x, 3);
  assert.deepEqual(y.shape, [1, 1, 3, 2, 2]);
  assert.deepEqual([...await read(y)], [0, 0, 0, 0, 1, 3, 9, 11, 0, 0, 0, 0]);
  const seed = tensor(device, Float32Array.from({ length: 12 }, (_, i) => i), y.shape);
  const dx = await read(backward(y, [x], { seed }).get(x)!);
  assert.deepEqual([...dx], [4, 0, 5, 0, 0, 0, 0, 0, 6, 0, 7, 0]);
  assert.throws(() => optionAShortcut(x, 2), {
    name: "RangeError",
    message:
      "Cannot take a shortcut: channels of zeros must stand half on either side: from 1 to " +
      "2 channels",
  });
});

Deno.test("averagePool() refuses windows that do not fit, and tensors without an image", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, draw(6, 1), [2, 3]);
  assert.throws(() => averagePool(x, { size: 3 }), {
    name: "RangeError",
    message: "Cannot pool: the window must fit into the input: window is [3, 3], input is [2, 3]",
  });
  assert.deepEqual(averagePool(x, { size: 3, padding: 1 }).shape, [1, 1]);
  for (const padding of [2, -1, 0.5]) {
    assert.throws(() => averagePool(x, { size: 3, padding }), {
      name: "RangeError",
      message: "Cannot pool: padding must be a whole number from 0 to half a window: window is " +
        `[3, 3], padding ${padding}`,
    });
  }
  assert.throws(() => averagePool(x, { size: 5, padding: 1 }), {
    name: "RangeError",
    message: "Cannot pool: the window must fit into the padded input: window is [5, 5], padded " +
      "input is [4, 5]",
  });
  const line = tensor(device, draw(6, 1), [6]);
  const message = "Cannot pool: x must be [..., height, width]: it is [6]";
  assert.throws(() => averagePool(line), { name: "RangeError", message });
  assert.throws(() => globalAveragePool(line), { name: "RangeError", message });
});
