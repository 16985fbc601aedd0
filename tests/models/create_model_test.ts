import assert from "node:assert/strict";
import { createModel, type ModelName, MODELS, parameterCount } from "../../models/mod.ts";

const KNOWN: Readonly<Record<ModelName, readonly [string, number]>> = {
  fc_nn: ["FC_NN 784-64-32-10", 52_650],
  mlp_128: ["FC_NN 784-128-10", 101_770],
  lenet_300_100: ["FC_NN 784-300-100-10", 266_610],
  cnn: ["CNN 1-16-32-10", 20_490],
  lenet_5: ["CNN 1-20-50, fc 500-10", 431_080],
  cnn_282k: ["CNN 3-32-64, fc 64-10", 282_250],
  resnet20: ["ResNet-20", 269_722],
  resnet32: ["ResNet-32", 464_154],
  resnet44: ["ResNet-44", 658_586],
  resnet56: ["ResNet-56", 853_018],
};

for (const [name, [title, count]] of Object.entries(KNOWN)) {
  Deno.test(`createModel() of ${name} has ${count} parameters`, () => {
    const spec = MODELS[name as ModelName];
    const { inputShape, classes } = spec.madeFor ?? { inputShape: [1, 28, 28], classes: 10 };
    const model = createModel(spec, inputShape, classes);
    assert.deepEqual([model.title, parameterCount(model)], [title, count]);
    assert.deepEqual([model.inputShape, model.classes], [inputShape, classes]);
  });
}

Deno.test("createModel() names layers as PyTorch's users do", () => {
  const layersOf = (name: ModelName, shape: [number, number, number]) =>
    createModel(MODELS[name], shape, 10).layers;
  assert.deepEqual(layersOf("lenet_300_100", [1, 28, 28]), ["fc1", "fc2", "fc3"]);
  assert.deepEqual(layersOf("cnn", [1, 28, 28]), ["conv1", "conv2", "fc"]);
  assert.deepEqual(layersOf("cnn_282k", [3, 32, 32]), ["conv1", "conv2", "fc1", "fc2"]);
});

Deno.test("createModel() refuses images and classes that a model is not made for", () => {
  const refused = [
    [[1, 28, 28], 10, "images of 1 x 28 x 28 in 10 classes"],
    [[3, 64, 64], 10, "images of 3 x 64 x 64 in 10 classes"],
    [[3, 32, 32], 4, "images of 3 x 32 x 32 in 4 classes"],
  ] as const;
  for (const [inputShape, classes, found] of refused) {
    assert.throws(() => createModel(MODELS.cnn_282k, inputShape, classes), {
      name: "UserError",
      message: "Cannot use CNN 3-32-64, fc 64-10: it is made for images of 3 x 32 x 32 in 10 " +
        `classes: the data set has ${found}`,
    });
  }
  assert.equal(createModel(MODELS.cnn, [3, 64, 64], 4).title, "CNN 3-16-32-4");
});
