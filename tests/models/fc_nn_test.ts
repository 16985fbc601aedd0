import assert from "node:assert/strict";
import { backward, crossEntropy } from "../../autograd/mod.ts";
import { read, type Tensor, tensor } from "../../gpu/mod.ts";
import { createModel, fcNN, MODELS, parameterCount, uploadParameters } from "../../models/mod.ts";
import { testDevice } from "../support/device.ts";
import { relativeError } from "../support/relative_error.ts";
import { torchFixture } from "../support/torch_fixture.ts";

const fixture = torchFixture("fc_nn");
const model = fcNN({ inputShape: [1, 4, 5], hidden: [12, 8] });

function upload(device: Awaited<ReturnType<typeof testDevice>>) {
  return {
    x: tensor(device, fixture.floats("x"), [1, 16, 20]),
    labels: tensor(device, Uint32Array.from(fixture.get("labels").data as Int32Array)),
    parameters: uploadParameters(device, model, [fixture.parameters(model, "initial")]),
  };
}

Deno.test("fcNN() gives PyTorch's logits and losses", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { x, labels, parameters } = upload(device);
  const logits = model.forward(parameters.tensors, x);
  assert.deepEqual(logits.shape, [1, 16, 10]);
  assert.ok(relativeError(await read(logits), fixture.floats("logits")) < 1e-6);
  const losses = crossEntropy(logits, labels);
  assert.ok(relativeError(await read(losses), fixture.floats("losses")) < 1e-6);
});

Deno.test("fcNN() has PyTorch's gradients", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { x, labels, parameters } = upload(device);
  const losses = crossEntropy(model.forward(parameters.tensors, x), labels);
  const gradients = backward(losses, Object.values(parameters.tensors));
  for (const [name, parameter] of Object.entries(parameters.tensors)) {
    const found = await read(gradients.get(parameter)!);
    const error = relativeError(found, fixture.floats(`gradient.${name}`));
    assert.ok(error < 1e-5, `${name}: relative error ${error}`);
  }
});

Deno.test("fcNN() with its defaults is FC_NN 784-64-32-10", () => {
  const defaults = fcNN();
  assert.equal(defaults.title, "FC_NN 784-64-32-10");
  assert.equal(parameterCount(defaults), 784 * 64 + 64 + 64 * 32 + 32 + 32 * 10 + 10);
  assert.equal(parameterCount(fcNN({ hidden: [128] })), 101_770);
  assert.deepEqual(defaults.layers, ["fc1", "fc2", "fc3"]);
  assert.deepEqual(createModel(MODELS.fc_nn, [1, 28, 28], 10).parameters, defaults.parameters);
});

Deno.test("fcNN() shows every layer's input to a hook, which may replace it", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { x, parameters } = upload(device);
  const seen: [string, readonly number[]][] = [];
  const zero = tensor(device, new Float32Array(16 * 8), [1, 16, 8]);
  const logits = model.forward(parameters.tensors, x, {
    layerInput: (layer, input) => {
      seen.push([layer, input.shape]);
      return layer === "fc3" ? zero : input;
    },
  });
  assert.deepEqual(seen, [["fc1", [1, 16, 20]], ["fc2", [1, 16, 12]], ["fc3", [1, 16, 8]]]);
  const bias = fixture.floats("initial.fc3.bias");
  assert.deepEqual((await read(logits)).slice(0, 10), bias);
});

Deno.test("fcNN() shows every layer's output to a hook: ReLU belongs to it, and the last is the logits", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { x, parameters } = upload(device);
  const seen: [string, Tensor][] = [];
  const inputs: Tensor[] = [];
  const logits = model.forward(parameters.tensors, x, {
    layerInput: (_layer, input) => {
      inputs.push(input);
      return input;
    },
    layerOutput: (layer, output) => seen.push([layer, output]),
  });
  assert.deepEqual(seen.map(([layer]) => layer), ["fc1", "fc2", "fc3"]);
  assert.deepEqual(seen.map(([, y]) => y), [inputs[1], inputs[2], logits]);
});

Deno.test("fcNN() refuses widths that are not whole numbers", () => {
  for (const [hidden, widths] of [[[0], "784-0-10"], [[2.5, 3], "784-2.5-3-10"]] as const) {
    assert.throws(() => fcNN({ hidden }), {
      name: "RangeError",
      message: "Cannot make a fully connected network: widths must be whole numbers of at least " +
        `1: ${widths}`,
    });
  }
});
