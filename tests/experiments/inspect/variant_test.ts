import assert from "node:assert/strict";
import { dequantizeWeight } from "../../../compression/mod.ts";
import { plainVariant, quantizeNetwork } from "../../../experiments/inspect/variant.ts";
import { fcNN, initialParameters } from "../../../models/mod.ts";

const model = fcNN({ inputShape: [1, 4, 4], hidden: [4], classes: 3 });
const parameters = initialParameters(model, 5);

Deno.test("quantizeNetwork() quantizes every weight, no bias, and inputs where it is told to", () => {
  const ternary = { grid: { kind: "ternary" }, granularity: "channel" } as const;
  const made = quantizeNetwork(
    model,
    parameters,
    { weights: ternary, rounding: "nearestEven" },
    {},
  );
  assert.deepEqual(Object.keys(made.weights), ["fc1", "fc2"]);
  assert.deepEqual(made.inputs, {});
  for (const layer of ["fc1", "fc2"]) {
    assert.equal(made.parameters[`${layer}.bias`], parameters[`${layer}.bias`]);
    const weight = made.parameters[`${layer}.weight`];
    assert.deepEqual(weight, dequantizeWeight(made.weights[layer]));
    const inner = weight.length / made.weights[layer].shape[0];
    for (let from = 0; from < weight.length; from += inner) {
      assert.ok(new Set(weight.subarray(from, from + inner)).size <= 3);
    }
  }
  const ranges = { fc1: { low: 0, high: 1 }, fc2: { low: 0, high: 6 } };
  const { inputs } = quantizeNetwork(model, parameters, {
    weights: ternary,
    rounding: "nearestEven",
    activationBits: 2,
  }, ranges);
  assert.deepEqual([inputs.fc1.qMax, inputs.fc2.qMax, inputs.fc2.scale], [3, 3, 2]);
});

Deno.test("quantizeNetwork() says which groups do not divide a row", () => {
  const weights = { grid: { kind: "affine", bits: 4 }, granularity: { group: 3 } } as const;
  assert.throws(
    () => quantizeNetwork(model, parameters, { weights, rounding: "nearestEven" }, {}),
    { name: "RangeError", message: /in groups of 3: a group must divide a row of 16$/ },
  );
  assert.deepEqual(plainVariant(parameters), { parameters, weights: {}, inputs: {} });
});
