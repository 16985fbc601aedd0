import assert from "node:assert/strict";
import {
  chooseQuantParams,
  chooseWeightGrids,
  type RequantizationKind,
  roundToGrids,
} from "../../compression/mod.ts";
import { chunksOf, uploadImages } from "../../data/mod.ts";
import {
  type HostParameters,
  initialParameters,
  type Model,
  parameterShape,
  resnet,
  uploadParameters,
} from "../../models/mod.ts";
import { calibrate, integerAgreement } from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";
import { smallModel, smallSet } from "./small_set.ts";

const COUNT = 200;

/** One grid an output, min-max, 8 bits. */
function roundedWeights(model: Model, parameters: HostParameters) {
  return Object.fromEntries(
    model.layers.map((layer) => `${layer}.weight`).map((name) => {
      const shape = parameterShape(model, name);
      const grids = chooseWeightGrids(parameters[name], shape, {
        grid: { kind: "affine", bits: 8 },
        granularity: "channel",
        observer: { kind: "minMax" },
      });
      return [name, roundToGrids(parameters[name], shape, grids)];
    }),
  );
}

async function agreementOf(bias: number, requantization: RequantizationKind) {
  const device = await testDevice();
  using _scope = device.scope();
  const chunks = chunksOf(device, uploadImages(device, smallSet(COUNT)));
  const initial = initialParameters(smallModel, 3);
  const parameters: HostParameters = {
    ...initial,
    "fc1.bias": initial["fc1.bias"].map((b) => b + bias),
  };
  const weights = roundedWeights(smallModel, parameters);
  const inputGrids = {
    fc1: chooseQuantParams({ low: 0, high: 1 }, 8),
    fc2: chooseQuantParams({ low: 0, high: 2 }, 8),
  };
  const source = { parameters, weights, inputGrids };
  return await integerAgreement(device, smallModel, source, chunks, requantization);
}

for (const kind of ["float", "fixedPoint"] as const) {
  Deno.test(`integerAgreement() finds the input rounded alike and later codes a step apart, ${kind}`, async () => {
    const found = await agreementOf(0, kind);
    assert.deepEqual(found.codes[0], { layer: "fc1", count: 16 * COUNT, differing: 0, largest: 0 });
    assert.equal(found.codes[1].count, 8 * COUNT);
    assert.ok(found.codes[1].largest <= 1);
    assert.ok(found.codes[1].differing <= 0.01 * 8 * COUNT, `${found.codes[1].differing}`);
    assert.equal(found.count, COUNT);
    assert.ok(found.differingPredictions <= 0.02 * COUNT);
    assert.ok(
      Math.abs(found.correctInFloat - found.correctInIntegers) <= found.differingPredictions,
    );
    assert.ok(found.largestLogitShare < 0.02);
  });
}

Deno.test("integerAgreement() also clips alike", async () => {
  const found = await agreementOf(10, "fixedPoint");
  assert.equal(found.codes[1].differing, 0);
});

for (const kind of ["float", "fixedPoint"] as const) {
  Deno.test(`integerAgreement() finds shortcuts and means of a residual network as its codes say, ${kind}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const model = resnet({ depth: 8, width: 4, inputShape: [1, 4, 4], classes: 4, folded: true });
    const chunks = chunksOf(device, uploadImages(device, smallSet(COUNT)));
    const parameters = initialParameters(model, 5);
    const { tensors } = uploadParameters(device, model, [parameters]);
    const { ranges } = await calibrate(device, model, tensors, chunks);
    const inputGrids = Object.fromEntries(
      model.layers.map((layer) => [layer, chooseQuantParams(ranges[layer], 8)]),
    );
    const weights = roundedWeights(model, parameters);
    const source = { parameters, weights, inputGrids };
    const found = await integerAgreement(device, model, source, chunks, kind);
    assert.deepEqual(found.codes.map(({ layer }) => layer), model.layers);
    assert.equal(found.codes[0].differing, 0);
    // the fixed point rounds twice
    const share = kind === "float" ? 0.02 : 0.1;
    // a code that is one apart moves the sums of the layers behind it
    for (const { layer, count, differing, largest } of found.codes) {
      assert.ok(largest <= 5, `${layer}: ${largest}`);
      assert.ok(differing <= share * count, `${layer}: ${differing} of ${count}`);
    }
    assert.ok(found.differingPredictions <= 0.03 * COUNT);
    assert.ok(found.largestLogitShare < 0.02);
  });
}
