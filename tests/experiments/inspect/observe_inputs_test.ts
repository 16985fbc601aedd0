import assert from "node:assert/strict";
import { chunksOf, uploadImages } from "../../../data/mod.ts";
import { calibrate } from "../../../training/mod.ts";
import { observeInputs } from "../../../experiments/inspect/observe_inputs.ts";
import { fcNN, initialParameters, uploadParameters } from "../../../models/mod.ts";
import { testDevice } from "../../support/device.ts";

const model = fcNN({ inputShape: [1, 4, 4], hidden: [4], classes: 3 });

/** Pixels 0, 1, ..., 255, again and again. */
const images = {
  images: Uint8Array.from({ length: 160 * 16 }, (_, i) => i % 256),
  labels: new Uint8Array(160),
  count: 160,
  channels: 1,
  height: 4,
  width: 4,
};

Deno.test("observeInputs() finds ranges of all layers as it is told to", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { tensors } = uploadParameters(device, model, [initialParameters(model, 3)]);
  const chunks = chunksOf(device, uploadImages(device, images), 64);
  const observe = (kind: "minMax" | "meanSquaredError" | "entropy") =>
    observeInputs(device, model, tensors, chunks, { kind }, 4);
  const { ranges: whole, remarks } = await observe("minMax");
  const calibration = await calibrate(device, model, tensors, chunks);
  assert.deepEqual([whole, remarks], [calibration.ranges, calibration.remarks]);
  assert.deepEqual(whole.fc1, { low: 0, high: 1 });
  const percentile = { kind: "percentile", percentile: 90 } as const;
  const { ranges: clipped } = await observeInputs(device, model, tensors, chunks, percentile, 4);
  assert.ok(Math.abs(clipped.fc1.high - 0.9) < 0.01, `${clipped.fc1.high}`);
  assert.ok(clipped.fc2.high < whole.fc2.high);
  const { ranges: best } = await observe("meanSquaredError");
  assert.deepEqual(Object.keys(best), ["fc1", "fc2"]);
  assert.notDeepEqual(best, whole);
});

Deno.test("observeInputs() says in which layer an activation is not finite", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const broken = initialParameters(model, 3);
  broken["fc1.bias"][2] = Infinity;
  const { tensors } = uploadParameters(device, model, [broken]);
  const chunks = chunksOf(device, uploadImages(device, images));
  await assert.rejects(
    observeInputs(device, model, tensors, chunks, { kind: "entropy" }, 4),
    { name: "RangeError", message: /^Cannot observe "fc2": every value must be finite: / },
  );
});
