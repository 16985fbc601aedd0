import assert from "node:assert/strict";
import { backward, differentiable, linear, relu } from "../../autograd/mod.ts";
import { type Device, empty, read, record, type Tensor, tensor } from "../../gpu/mod.ts";
import { testDevice } from "../support/device.ts";

/** A layer of one network whose weight is diagonal, with a bias of 1. */
function diagonal(device: Device, ...values: number[]): { weight: Tensor; bias: Tensor } {
  const n = values.length;
  const weight = values.flatMap((value, i) => values.map((_, j) => i === j ? value : 0));
  return {
    weight: tensor(device, weight, [1, n, n]),
    bias: tensor(device, new Float32Array(n).fill(1), [1, n]),
  };
}

Deno.test("backward() sums the gradients of several uses", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { weight, bias } = diagonal(device, 2);
  const x = tensor(device, [3], [1, 1, 1]);
  // y = w (w x + b) + b: dy/dw = 2 w x + b, dy/db = w + 1, dy/dx = w^2
  const y = linear(linear(x, weight, bias), weight, bias);
  const gradients = backward(y, [weight, bias, x]);
  const values = await Promise.all([weight, bias, x].map((p) => read(gradients.get(p)!)));
  assert.deepEqual(values.map(([value]) => value), [13, 3, 4]);
});

Deno.test("backward() sums over an input that one op uses twice", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, [5, 6]);
  const y = differentiable(tensor(device, [0, 0]), [x, x], (dy) => [dy, dy]);
  const gradient = backward(y, [x], { seed: tensor(device, [1, 2]) }).get(x)!;
  assert.deepEqual([...await read(gradient)], [2, 4]);
});

Deno.test("backward() writes into the targets it is given, single uses and sums", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { weight, bias } = diagonal(device, 2, 3);
  const once = diagonal(device, 1, 1);
  const x = tensor(device, [1, 2], [1, 1, 2]);
  const hidden = linear(linear(x, weight, bias), weight, bias, { relu: true });
  const y = linear(hidden, once.weight, once.bias);
  const parameters = [weight, bias, once.weight, once.bias];
  const wanted = backward(y, parameters);
  const into = new Map(parameters.map((p) => [p, empty(device, p.shape)]));
  const found = backward(y, parameters, { into });
  for (const parameter of parameters) {
    assert.equal(found.get(parameter)!.storage, into.get(parameter)!.storage);
    assert.deepEqual(await read(found.get(parameter)!), await read(wanted.get(parameter)!));
  }
});

Deno.test("backward() differentiates only by what was asked", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const asked: boolean[][] = [];
  const [a, b] = [tensor(device, [1]), tensor(device, [2])];
  const y = differentiable(tensor(device, [3]), [a, b], (dy, wanted) => {
    asked.push(wanted.map((want) => want !== undefined));
    return [dy, dy];
  });
  assert.deepEqual([...backward(y, [b]).keys()], [b]);
  assert.deepEqual([...backward(y, [a]).keys()], [a]);
  assert.deepEqual(asked, [[false, true], [true, false]]);
});

Deno.test("backward() may be called twice, and inside a recording", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { weight, bias } = diagonal(device, 2, 3);
  const x = tensor(device, [1, -2], [1, 1, 2]);
  const step = () => ({ dw: backward(relu(linear(x, weight, bias)), [weight]).get(weight)! });
  const y = relu(linear(x, weight, bias));
  const first = await read(backward(y, [weight]).get(weight)!);
  assert.deepEqual(await read(backward(y, [weight]).get(weight)!), first);
  using program = record(device, step);
  program.run();
  assert.deepEqual(await read(program.result.dw), first);
});

Deno.test("backward() refuses a loss that does not depend on a parameter", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, [1, 2]);
  const other = tensor(device, [1, 2, 3, 4], [2, 2]);
  const y = relu(x);
  const refused = {
    name: "TypeError",
    message: "Cannot differentiate: the loss must depend on every parameter: it does not on one " +
      "of shape [2, 2]",
  };
  assert.throws(() => backward(y, [x, other]), refused);
  assert.throws(() => backward(other, [other]), refused);
});

Deno.test("backward() refuses a parameter that an op gives no gradient", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, [1]);
  const y = differentiable(tensor(device, [1]), [relu(x)], () => [undefined]);
  assert.throws(() => backward(y, [x]), { name: "TypeError", message: /^Cannot differentiate: / });
});

Deno.test("backward() refuses a seed that is not of the loss's shape", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, [1, 2, 3]);
  assert.throws(() => backward(relu(x), [x], { seed: tensor(device, [1, 2]) }), {
    name: "RangeError",
    message: "Cannot differentiate: the seed must have the loss's shape [3]: it is [2]",
  });
});
