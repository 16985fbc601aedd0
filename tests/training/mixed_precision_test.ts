import assert from "node:assert/strict";
import {
  allocateExactly,
  allocationFront,
  chooseWeightGrids,
  paretoFront,
  roundToGrids,
} from "../../compression/mod.ts";
import { chunksOf, uploadImages } from "../../data/mod.ts";
import { initialParameters } from "../../models/mod.ts";
import {
  hessianChoices,
  layerHessianTraces,
  measureAllocations,
  measureSensitivities,
  type QuantizeToBits,
} from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";
import { smallModel, smallSet } from "./small_set.ts";

const BITS = [1, 2, 4, 8];

const quantize: QuantizeToBits = (values, shape, bits) =>
  roundToGrids(
    values,
    shape,
    chooseWeightGrids(values, shape, {
      grid: { kind: "affine", bits: bits as 4 },
      granularity: "channel",
      observer: { kind: "minMax" },
    }),
  );

Deno.test("measureAllocations() measures one layer's bits as measureSensitivities() does", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const chunks = chunksOf(device, uploadImages(device, smallSet(100)));
  const parameters = initialParameters(smallModel, 2);
  const bits = [1, 16];
  const choices = await measureSensitivities(
    device,
    smallModel,
    parameters,
    chunks,
    bits,
    quantize,
  );
  // at 16 bits nothing is left to see of rounding
  const one = (fc1: number, fc2: number) => ({ bits: { fc1, fc2 }, bytes: 0, sensitivity: 0 });
  const found = await measureAllocations(
    device,
    smallModel,
    parameters,
    chunks,
    [one(16, 16), one(1, 16), one(16, 1)],
    quantize,
  );
  const [whole, ...others] = found.map(({ evaluation }) => evaluation.loss);
  others.forEach((loss, i) => {
    const wanted = choices[i].choices[0].sensitivity;
    assert.ok(Math.abs(loss - whole - wanted) < 1e-4, `${loss - whole} for ${wanted}`);
  });
  assert.ok(others.every((loss) => Math.abs(loss - whole) > 1e-3));
  await assert.rejects(
    measureAllocations(device, smallModel, parameters, chunks, [
      { bits: { fc1: 2 }, bytes: 0, sensitivity: 0 },
    ], quantize),
    /^RangeError: Cannot measure an allocation: every layer must have bits: "fc2" has none$/,
  );
});

Deno.test("hessianChoices() lets sensitivity fall with bits, and leads to a front of measured networks", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const chunks = chunksOf(device, uploadImages(device, smallSet(100)));
  const parameters = initialParameters(smallModel, 2);
  const traces = await layerHessianTraces(device, smallModel, parameters, chunks, {
    samples: 8,
    seed: 1,
  });
  const choices = hessianChoices(smallModel, parameters, traces, BITS, quantize);
  for (const { choices: [one, , , eight] } of choices) {
    assert.ok(one.sensitivity > 0 && eight.sensitivity < 0.01 * one.sensitivity);
    assert.ok(one.bytes < eight.bytes);
  }
  const front = allocationFront(choices);
  const budget = front[Math.floor(front.length / 2)].bytes;
  assert.deepEqual(allocateExactly(choices, budget), front[Math.floor(front.length / 2)]);
  const measured = await measureAllocations(
    device,
    smallModel,
    parameters,
    chunks,
    front,
    quantize,
  );
  assert.equal(measured.length, front.length);
  const best = paretoFront(
    measured,
    ({ allocation }) => allocation.bytes,
    ({ evaluation }) => evaluation.accuracy,
  );
  assert.ok(best.length >= 1 && best[0].allocation.bytes === front[0].bytes);
  assert.throws(
    () => hessianChoices(smallModel, parameters, {}, BITS, quantize),
    /that of "fc1.weight" is missing$/,
  );
});
