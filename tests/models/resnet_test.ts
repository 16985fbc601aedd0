import assert from "node:assert/strict";
import { affine, backward, crossEntropy } from "../../autograd/mod.ts";
import { type Device, read, type Tensor, tensor } from "../../gpu/mod.ts";
import {
  foldBatchNorms,
  initialParameters,
  parameterCount,
  type Parameters,
  readParameters,
  resnet,
  trainableTensors,
  uploadParameters,
} from "../../models/mod.ts";
import { testDevice } from "../support/device.ts";
import { relativeError } from "../support/relative_error.ts";
import { torchFixture } from "../support/torch_fixture.ts";

const fixture = torchFixture("resnet");
const model = resnet({ depth: 8, width: 4, inputShape: [3, 16, 16], classes: 5 });
const initial = fixture.parameters(model, "initial");

function upload(device: Device) {
  return {
    x: tensor(device, fixture.floats("x"), [1, 6, 768]),
    labels: tensor(device, Uint32Array.from(fixture.get("labels").data as Int32Array)),
    parameters: uploadParameters(device, model, [initial]),
  };
}

/** What a forward pass in training knows. */
function training(device: Device) {
  const zero = () => tensor(device, new Uint32Array(1));
  return { training: { clock: zero(), seeds: zero() } };
}

async function buffersOf(parameters: Parameters): Promise<[string, Float32Array][]> {
  const [values] = await readParameters(parameters);
  return Object.entries(values).filter(([name]) => name.includes("running"));
}

Deno.test("resnet() infers PyTorch's logits and leaves running statistics alone", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { x, parameters } = upload(device);
  const logits = model.forward(parameters.tensors, x);
  assert.deepEqual(logits.shape, [1, 6, 5]);
  assert.ok(relativeError(await read(logits), fixture.floats("inferred")) < 1e-5);
  for (const [name, values] of await buffersOf(parameters)) {
    assert.deepEqual(values, initial[name], name);
  }
});

Deno.test("resnet() in training gives PyTorch's logits and gradients", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { x, labels, parameters } = upload(device);
  const logits = model.forward(parameters.tensors, x, training(device));
  assert.ok(relativeError(await read(logits), fixture.floats("trained")) < 1e-5);
  const trained = trainableTensors(parameters);
  const gradients = backward(crossEntropy(logits, labels), Object.values(trained));
  for (const [name, parameter] of Object.entries(trained)) {
    const found = await read(gradients.get(parameter)!);
    const error = relativeError(found, fixture.floats(`gradient.${name}`));
    assert.ok(error < 2e-5, `${name}: relative error ${error}`);
  }
});

Deno.test("resnet() in training moves running statistics as PyTorch does", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { x, parameters } = upload(device);
  await read(model.forward(parameters.tensors, x, training(device)));
  for (const [name, values] of await buffersOf(parameters)) {
    const error = relativeError(values, fixture.floats(`after.${name}`));
    assert.ok(error < 1e-5, `${name}: relative error ${error}`);
  }
});

Deno.test("resnet() with its norms folded infers the same", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { x } = upload(device);
  const folded = foldBatchNorms(model, initial);
  assert.equal(folded.model.title, "ResNet-8, batch norms folded");
  assert.ok(!Object.keys(folded.parameters).some((name) => name.includes("bn")));
  const { tensors } = uploadParameters(device, folded.model, [folded.parameters]);
  const logits = folded.model.forward(tensors, x);
  assert.ok(relativeError(await read(logits), fixture.floats("inferred")) < 1e-5);
});

Deno.test("resnet() of a population gives each network its own logits", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { x } = upload(device);
  const networks = [initial, initialParameters(model, 1)];
  const together = uploadParameters(device, model, networks).tensors;
  const both = await read(model.forward(together, x));
  for (const [p, network] of networks.entries()) {
    const { tensors } = uploadParameters(device, model, [network]);
    const alone = await read(model.forward(tensors, x));
    const error = relativeError(both.slice(p * alone.length, (p + 1) * alone.length), alone);
    assert.ok(error < 1e-6, `network ${p}: relative error ${error}`);
  }
});

Deno.test("resnet() has the published counts of parameters and layers", () => {
  for (const [depth, count] of [[20, 269_722], [32, 464_154], [44, 658_586], [56, 853_018]]) {
    const made = resnet({ depth });
    assert.equal(parameterCount(made), count);
    assert.equal(made.layers.length, depth);
    assert.equal(made.title, `ResNet-${depth}`);
  }
});

Deno.test("resnet() begins with weights of the variance 2 / fan-in and norms that do nothing", () => {
  const values = initialParameters(resnet(), 3);
  const weights = values["layer3.1.conv2.weight"];
  const variance = weights.reduce((sum, w) => sum + w * w, 0) / weights.length;
  assert.ok(Math.abs(variance * 64 * 9 / 2 - 1) < 0.05, `variance ${variance}`);
  assert.ok(values["bn1.weight"].every((w) => w === 1) && values["bn1.bias"].every((b) => b === 0));
  assert.ok(values["bn1.running_var"].every((v) => v === 1));
});

Deno.test("resnet() shows the inputs and outputs of its layers to hooks, in order", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { x, parameters } = upload(device);
  const seen: [string, readonly number[]][] = [];
  const given: [string, readonly number[]][] = [];
  model.forward(parameters.tensors, x, {
    layerInput: (layer, input) => {
      seen.push([layer, input.shape.slice(2)]);
      return input;
    },
    layerOutput: (layer, output) => given.push([layer, output.shape.slice(2)]),
  });
  assert.deepEqual(given.map(([layer]) => layer), model.layers);
  assert.deepEqual(Object.fromEntries(given)["layer1.0.conv2"], [4, 16, 16]);
  assert.deepEqual(given.at(-1)![1], [model.classes]);
  assert.deepEqual(seen.map(([layer]) => layer), model.layers);
  assert.deepEqual(seen[0][1], [3, 16, 16]);
  assert.deepEqual(Object.fromEntries(seen)["layer2.0.conv1"], [4, 16, 16]);
  assert.deepEqual(seen.at(-1)![1], [16]);
});

Deno.test("resnet() carries around a block what its first layer sees, where seenShortcuts asks for it", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const blind = Object.fromEntries(
    Object.entries(foldBatchNorms(model, initial).parameters).map(([name, values]) =>
      [name, /^layer/.test(name) ? values.map(() => 0) : values] as const
    ),
  );
  const folded = model.batchNorms!.folded();
  const { tensors } = uploadParameters(device, folded, [blind]);
  const x = tensor(device, fixture.floats("x"), [1, 6, 768]);
  const lastInput = async (seenShortcuts: boolean): Promise<Float32Array> => {
    let seen: Tensor | undefined;
    folded.forward(tensors, x, {
      seenShortcuts,
      layerInput(layer, input) {
        if (layer === "linear") seen = input;
        return layer === "layer2.0.conv1" ? affine(input, 2, 0) : input;
      },
    });
    return Float32Array.from(await read(seen!));
  };
  const [asItWas, asSeen] = [await lastInput(false), await lastInput(true)];
  assert.ok(asItWas.some((value) => value > 0));
  assert.deepEqual(asSeen, asItWas.map((value) => 2 * value));
});

Deno.test("resnet() refuses sizes that make no network", () => {
  const refused = [
    [{ depth: 18 }, "depth must be 6 n + 2: 18"],
    [{ depth: 2 }, "depth must be 6 n + 2: 2"],
    [{ width: 6 }, "width must be a multiple of 4: 6"],
    [{ inputShape: [3, 2, 8] }, "images must be at least 4 x 4: 2 x 8"],
  ] as const;
  for (const [options, why] of refused) {
    assert.throws(() => resnet(options), {
      name: "RangeError",
      message: `Cannot make a residual network: ${why}`,
    });
  }
});
