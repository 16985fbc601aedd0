import assert from "node:assert/strict";
import { backward, crossEntropy } from "../../autograd/mod.ts";
import { read, tensor } from "../../gpu/mod.ts";
import {
  cnn,
  type CnnOptions,
  type Model,
  parameterCount,
  rowsAtOnce,
  uploadParameters,
} from "../../models/mod.ts";
import { testDevice } from "../support/device.ts";
import { relativeError } from "../support/relative_error.ts";
import { torchFixture } from "../support/torch_fixture.ts";

/** Images of the fixture. */
const ROWS = 6;
const fixture = torchFixture("cnn");
const LENET: CnnOptions = {
  inputShape: [1, 20, 20],
  channels: [3, 4],
  kernel: 5,
  padding: 0,
  rectified: false,
  hidden: [7],
  classes: 5,
};
const PADDED: CnnOptions = { inputShape: [3, 8, 8], channels: [4, 6], hidden: [5], classes: 4 };

for (const [name, options] of Object.entries({ lenet: LENET, padded: PADDED })) {
  Deno.test(`cnn() gives PyTorch's logits and gradients: ${name}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const model = cnn(options);
    const x = tensor(device, fixture.floats(`${name}.x`), [
      1,
      ROWS,
      model.inputShape.reduce((a, b) => a * b),
    ]);
    const labels = Uint32Array.from(fixture.get(`${name}.labels`).data as Int32Array);
    const parameters = uploadParameters(device, model, [
      fixture.parameters(model, `${name}.initial`),
    ]);
    const logits = model.forward(parameters.tensors, x);
    assert.ok(relativeError(await read(logits), fixture.floats(`${name}.logits`)) < 1e-6);

    const losses = crossEntropy(logits, tensor(device, labels));
    const gradients = backward(losses, Object.values(parameters.tensors));
    for (const [key, parameter] of Object.entries(parameters.tensors)) {
      const found = await read(gradients.get(parameter)!);
      const error = relativeError(found, fixture.floats(`${name}.gradient.${key}`));
      assert.ok(error < 1e-5, `${key}: relative error ${error}`);
    }
  });
}

Deno.test("cnn() with its defaults has 20,490 parameters", () => {
  const model = cnn();
  assert.equal(parameterCount(model), 20_490);
  assert.equal(model.title, "CNN 1-16-32-10");
  assert.deepEqual(model.layers, ["conv1", "conv2", "fc"]);
});

Deno.test("cnn() says how many numbers a forward pass computes of an image", () => {
  const model = cnn(PADDED);
  assert.equal(model.activations, 3 * 64 + 2 * (4 * 16 + 6 * 4));
  // populations of the usual small one are cut nowhere: 2,048 images are a chunk
  assert.ok(rowsAtOnce(cnn(), 3) >= 2048);
});

Deno.test("cnn() shows every layer's input and output to hooks", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const model = cnn(PADDED);
  const parameters = uploadParameters(device, model, [fixture.parameters(model, "padded.initial")]);
  const seen: [string, readonly number[]][] = [];
  const x = tensor(device, fixture.floats("padded.x"), [1, ROWS, 192]);
  const given: [string, readonly number[]][] = [];
  model.forward(parameters.tensors, x, {
    layerInput: (layer, input) => {
      seen.push([layer, input.shape.slice(2)]);
      return input;
    },
    layerOutput: (layer, output) => given.push([layer, output.shape.slice(2)]),
  });
  assert.deepEqual(given, [
    ["conv1", [4, 4, 4]],
    ["conv2", [6, 2, 2]],
    ["fc1", [5]],
    ["fc2", [model.classes]],
  ]);
  assert.deepEqual(seen, [
    ["conv1", [3, 8, 8]],
    ["conv2", [4, 4, 4]],
    ["fc1", [6, 2, 2]],
    ["fc2", [5]],
  ]);
});

Deno.test("cnn() drops inputs of linear layers while it trains, other ones at every step", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, fixture.floats("padded.x"), [1, ROWS, 192]);
  const plain = cnn(PADDED);
  const { tensors } = uploadParameters(device, plain, [
    fixture.parameters(plain, "padded.initial"),
  ]);
  const logits = async (model: Model, step?: number) => {
    const one = (value: number) => tensor(device, Uint32Array.of(value));
    const hooks = step === undefined ? {} : { training: { clock: one(step), seeds: one(7) } };
    return await read(model.forward(tensors, x, hooks));
  };
  const wanted = await logits(plain);
  const model = cnn({ ...PADDED, dropout: 0.5 });
  assert.deepEqual(await logits(model), wanted);
  assert.deepEqual(await logits(plain, 0), wanted);
  const first = await logits(model, 0);
  assert.notDeepEqual(first, wanted);
  assert.notDeepEqual(await logits(model, 1), first);
  assert.deepEqual(await logits(model, 0), first);
});

Deno.test("cnn() refuses sizes that make no network", () => {
  const refused: [CnnOptions, string][] = [
    [{ channels: [16, 0] }, "channels must be whole numbers of at least 1: 1-16-0"],
    [{ channels: [] }, "channels must be whole numbers of at least 1: 1"],
    [{ dropout: 1 }, "dropout must be from 0 to less than 1: 1"],
    [{ dropout: NaN }, "dropout must be from 0 to less than 1: NaN"],
    [{ hidden: [2.5] }, "hidden units must be whole numbers of at least 1: 2.5"],
  ];
  for (const [options, why] of refused) {
    assert.throws(() => cnn(options), {
      name: "RangeError",
      message: `Cannot make a convolutional network: ${why}`,
    });
  }
  assert.throws(() => cnn({ inputShape: [1, 8, 15], kernel: 5, padding: 0 }), {
    name: "RangeError",
    message: "Cannot make a convolutional network of 2 poolings: images must be larger: 8 x 15",
  });
});
