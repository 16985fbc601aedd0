import assert from "node:assert/strict";
import { cnn, fcNN, parameterShape } from "../../models/mod.ts";

Deno.test("parameterShape() gives the shapes of weights, kernels and biases", () => {
  const model = cnn({ inputShape: [1, 8, 8], channels: [3, 4] });
  for (const { name, shape } of model.parameters) {
    assert.deepEqual(parameterShape(model, name), shape);
  }
  assert.equal(parameterShape(model, `${model.layers[0]}.weight`).length, 4);
});

Deno.test("parameterShape() refuses a name that the model does not have, and lists those it has", () => {
  assert.throws(
    () => parameterShape(fcNN({ inputShape: [1, 2, 2], hidden: [3] }), "fc3.weight"),
    new RangeError(
      'Cannot find the shape of "fc3.weight": it must be a parameter of FC_NN 4-3-10: there are ' +
        "fc1.weight, fc1.bias, fc2.weight, fc2.bias",
    ),
  );
});
