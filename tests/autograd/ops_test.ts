import assert from "node:assert/strict";
import { backward, crossEntropy, linear, relu } from "../../autograd/mod.ts";
import { read, type Tensor, tensor } from "../../gpu/mod.ts";
import { randomInteger, randomSource } from "../../kernels/mod.ts";
import { testDevice } from "../support/device.ts";
import { drawnTensor } from "../support/drawn_tensor.ts";
import { relativeError } from "../support/relative_error.ts";
import {
  centralDifference,
  crossEntropy64,
  dot,
  linear64,
  type LinearSizes,
} from "./central_difference.ts";

/** Of float32 against float64, over whole gradients. */
const CLOSE = 1e-6;

async function assertClose(found: Tensor, wanted: ArrayLike<number>, what: string): Promise<void> {
  const error = relativeError(await read(found), wanted);
  assert.ok(error < CLOSE, `${what}: relative error ${error}`);
}

const LAYERS: readonly (LinearSizes & { readonly shared?: boolean; readonly relu: boolean })[] = [
  { networks: 1, rows: 5, inputs: 7, outputs: 3, relu: false },
  { networks: 1, rows: 17, inputs: 4, outputs: 9, relu: true },
  { networks: 3, rows: 4, inputs: 5, outputs: 6, relu: false },
  { networks: 2, rows: 6, inputs: 9, outputs: 5, relu: true },
  { networks: 3, rows: 4, inputs: 5, outputs: 6, shared: true, relu: true },
  { networks: 1, rows: 1, inputs: 1, outputs: 1, relu: false },
];

for (const layer of LAYERS) {
  const { networks, rows, inputs, outputs, shared = false, relu } = layer;
  const title = `${networks} networks of ${inputs} to ${outputs}${relu ? " with ReLU" : ""}` +
    (shared ? ", inputs shared" : "");
  Deno.test(`linear() and its gradients equal float64: ${title}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const [x, x64] = drawnTensor(device, [shared ? 1 : networks, rows, inputs], 1);
    const [weight, weight64] = drawnTensor(device, [networks, outputs, inputs], 2);
    const [bias, bias64] = drawnTensor(device, [networks, outputs], 3);
    const [seed, seed64] = drawnTensor(device, [networks, rows, outputs], 4);
    const y = linear(x, weight, bias, { relu });
    const values = { x: x64, weight: weight64, bias: bias64 };
    const y64 = (v: typeof values) => linear64(v.x, v.weight, v.bias, layer, relu);
    await assertClose(y, y64(values), "y");
    const by = { ...shared ? {} : { x }, weight, bias };
    const gradients = backward(y, Object.values(by), { seed });
    for (const [name, parameter] of Object.entries(by)) {
      const wanted = centralDifference(
        (v) => dot(seed64, y64(v as typeof values)),
        values,
        name,
      );
      assert.deepEqual(gradients.get(parameter)!.shape, parameter.shape);
      // differences of a sum of n terms carry its float64 rounding, 1e-16 n / 1e-6
      await assertClose(gradients.get(parameter)!, wanted, name);
    }
  });
}

Deno.test("linear() computes the mean over its outputs where no seed is given", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const [x] = drawnTensor(device, [1, 4, 3], 1);
  const [weight] = drawnTensor(device, [1, 2, 3], 2);
  const [bias] = drawnTensor(device, [1, 2], 3);
  const gradient = backward(linear(x, weight, bias), [bias]).get(bias)!;
  assert.deepEqual([...await read(gradient)], [0.5, 0.5]);
});

Deno.test("linear() refuses to differentiate by inputs that networks share", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const [x] = drawnTensor(device, [1, 4, 3], 1);
  const [weight] = drawnTensor(device, [2, 2, 3], 2);
  const [bias] = drawnTensor(device, [2, 2], 3);
  assert.throws(() => backward(linear(x, weight, bias), [x]), {
    name: "TypeError",
    message: "Cannot differentiate by inputs that several networks share",
  });
});

Deno.test("linear() refuses shapes that do not fit, and names all of them", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const [x] = drawnTensor(device, [2, 4, 3], 1);
  const [weight] = drawnTensor(device, [3, 2, 3], 2);
  const [bias] = drawnTensor(device, [3, 2], 3);
  assert.throws(() => linear(x, weight, bias), {
    name: "RangeError",
    message: "Cannot apply a linear layer: shapes must be x [networks or 1, rows, inputs], " +
      "weight [networks, outputs, inputs], bias [networks, outputs]: x is [2, 4, 3], weight " +
      "[3, 2, 3], bias [3, 2]",
  });
});

Deno.test("relu() passes the gradient where its input was positive", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, [-2, -0, 0, 1e-30, 3], [5, 1]);
  const seed = tensor(device, [1, 2, 3, 4, 5], [5, 1]);
  const y = relu(x);
  assert.deepEqual([...await read(y)].map((value) => value > 0), [false, false, false, true, true]);
  const gradient = backward(y, [x], { seed }).get(x)!;
  assert.deepEqual(gradient.shape, [5, 1]);
  assert.deepEqual([...await read(gradient)], [0, 0, 0, 4, 5]);
});

for (const networks of [1, 3]) {
  for (const shared of [false, true]) {
    const labelsOf = shared ? "shared labels" : "labels of its own";
    Deno.test(`crossEntropy() of ${networks} networks with ${labelsOf} equals float64`, async () => {
      const device = await testDevice();
      using _scope = device.scope();
      const [rows, classes] = [6, 5];
      const [logits, logits64] = drawnTensor(device, [networks, rows, classes], 5);
      const random = randomSource(6);
      const labels = Uint32Array.from(
        { length: shared ? rows : networks * rows },
        () => randomInteger(random, 0, classes - 1),
      );
      const losses = crossEntropy(logits, tensor(device, labels));
      assert.deepEqual(losses.shape, [networks, rows]);
      await assertClose(losses, crossEntropy64(logits64, labels, classes), "losses");

      const [seed, seed64] = drawnTensor(device, [networks, rows], 7);
      const values = { logits: logits64 };
      const weighted = (weights: ArrayLike<number>) =>
        centralDifference(
          (v) => dot(weights, crossEntropy64(v.logits, labels, classes)),
          values,
          "logits",
        );
      // without a seed every network has a mean of its own
      const mean = backward(losses, [logits]).get(logits)!;
      await assertClose(mean, weighted(new Float64Array(networks * rows).fill(1 / rows)), "mean");
      const seeded = backward(losses, [logits], { seed }).get(logits)!;
      await assertClose(seeded, weighted(seed64), "seeded");
    });
  }
}

Deno.test("crossEntropy() is exact where exponentials would overflow", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const logits = tensor(device, [1000, 0, -1000, 0, 1000, 1000], [1, 2, 3]);
  const losses = crossEntropy(logits, tensor(device, new Uint32Array([2, 1])));
  const [wrong, tied] = await read(losses);
  assert.equal(wrong, 2000);
  assert.ok(Math.abs(tied - Math.LN2) < 1e-6);
});

Deno.test("crossEntropy() refuses labels that are not one a row", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const [logits] = drawnTensor(device, [2, 3, 4], 1);
  assert.throws(() => crossEntropy(logits, tensor(device, new Uint32Array(4))), {
    name: "RangeError",
    message: "Cannot compute the cross-entropy: labels must have one element a row: logits are " +
      "[2, 3, 4], labels [4]",
  });
});

Deno.test("a network of linear, relu() and crossEntropy() equals float64, fused or not", async () => {
  const device = await testDevice();
  const sizes = { networks: 2, rows: 6, inputs: 5, outputs: 7 };
  const last = { networks: 2, rows: 6, inputs: 7, outputs: 4 };
  for (const fused of [true, false]) {
    using _scope = device.scope();
    const [x, x64] = drawnTensor(device, [2, 6, 5], 1);
    const [w1, w1Host] = drawnTensor(device, [2, 7, 5], 2);
    const [b1, b1Host] = drawnTensor(device, [2, 7], 3);
    const [w2, w2Host] = drawnTensor(device, [2, 4, 7], 4);
    const [b2, b2Host] = drawnTensor(device, [2, 4], 5);
    const labels = new Uint32Array([0, 1, 2, 3, 0, 1]);
    const hidden = fused ? linear(x, w1, b1, { relu: true }) : relu(linear(x, w1, b1));
    const losses = crossEntropy(linear(hidden, w2, b2), tensor(device, labels));
    const values = { x: x64, w1: w1Host, b1: b1Host, w2: w2Host, b2: b2Host };
    const by = { x, w1, b1, w2, b2 };
    const gradients = backward(losses, Object.values(by));
    for (const [name, parameter] of Object.entries(by)) {
      const wanted = centralDifference(
        (v) => {
          const h = linear64(v.x, v.w1, v.b1, sizes, true);
          const logits = linear64(h, v.w2, v.b2, last, false);
          return crossEntropy64(logits, labels, 4).reduce((a, b) => a + b, 0) / 6;
        },
        values,
        name,
      );
      await assertClose(gradients.get(parameter)!, wanted, `${name}, fused ${fused}`);
    }
  }
});
