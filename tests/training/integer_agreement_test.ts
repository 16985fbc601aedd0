import assert from "node:assert/strict";
import { chooseQuantParams, chooseWeightGrids, roundToGrids } from "../../compression/mod.ts";
import { chunksOf, uploadImages } from "../../data/mod.ts";
import { type HostParameters, initialParameters } from "../../models/mod.ts";
import { integerAgreement } from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";
import { smallModel, smallSet } from "./small_set.ts";

const COUNT = 200;

async function agreementOf(bias: number, requantization: "float" | "fixedPoint") {
  const device = await testDevice();
  using _scope = device.scope();
  const chunks = chunksOf(device, uploadImages(device, smallSet(COUNT)));
  const initial = initialParameters(smallModel, 3);
  const parameters: HostParameters = {
    ...initial,
    "fc1.bias": initial["fc1.bias"].map((b) => b + bias),
  };
  const weights = Object.fromEntries(["fc1.weight", "fc2.weight"].map((name) => {
    const shape = name === "fc1.weight" ? [8, 16] : [4, 8];
    const grids = chooseWeightGrids(parameters[name], shape, {
      grid: { kind: "affine", bits: 8 },
      granularity: "channel",
      observer: { kind: "minMax" },
    });
    return [name, roundToGrids(parameters[name], shape, grids)];
  }));
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
