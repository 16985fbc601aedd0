import assert from "node:assert/strict";
import { firstImages, uploadImages } from "../../data/mod.ts";
import { initialParameters, uploadParameters } from "../../models/mod.ts";
import {
  type ActivationGridOptions,
  fewImagesRemarks,
  observeActivations,
} from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";
import { smallModel, smallSet } from "./small_set.ts";

const OPTIONS: readonly ActivationGridOptions[] = [
  { grid: { kind: "affine", bits: 8 }, observer: { kind: "minMax" } },
  { grid: { kind: "affine", bits: 2 }, observer: { kind: "percentile", percentile: 99 } },
];
const networks = [initialParameters(smallModel, 1), initialParameters(smallModel, 2)];

Deno.test("observeActivations() looks at the first 256 images, and says if there are fewer", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { tensors } = uploadParameters(device, smallModel, networks);
  const set = smallSet(300);
  // what is brighter than all others comes too late to be seen
  set.images.fill(255, 256 * 16);
  const observe = async (count: number) => {
    const resident = uploadImages(device, firstImages(set, count));
    return await observeActivations(device, smallModel, tensors, OPTIONS, resident);
  };
  const [few, enough, more] = [await observe(10), await observe(256), await observe(300)];
  const remark =
    "all layers of FC_NN 16-8-4: ranges of inputs were found on 10 images instead of 256";
  assert.deepEqual(few.few, [remark]);
  assert.deepEqual(enough.few, []);
  assert.deepEqual(more, enough);
  assert.deepEqual(Object.keys(few.grids), ["fc1", "fc2"]);
  assert.deepEqual(few.grids.fc1.map(({ qMax }) => qMax), [255, 3]);
});

Deno.test("observeActivations() says with the layer's name what never changed or cannot have a grid", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const resident = uploadImages(device, smallSet(256));
  const changed = structuredClone(networks[0]);
  changed["fc1.bias"][2] = -1e6; // a hidden unit that is never above 0
  const observe = (parameters: typeof changed) => {
    const { tensors } = uploadParameters(device, smallModel, [parameters]);
    return observeActivations(device, smallModel, tensors, OPTIONS.slice(0, 1), resident);
  };
  const { remarks: [remarks] } = await observe(changed);
  assert.match(
    remarks.join("; "),
    /"fc2": \d of 8 channels never changed in 256 samples: channel /,
  );
  changed["fc1.bias"][2] = 3e38;
  await assert.rejects(
    observe(changed),
    /^RangeError: Cannot quantize values of "fc2" from 0 to 3.*: the range must be finite and at most/,
  );
});

Deno.test("fewImagesRemarks() speaks only of fewer images than usual", () => {
  assert.deepEqual(fewImagesRemarks("bars", 640, 2048), [
    "bars: ranges of inputs were found on 640 images instead of 2,048",
  ]);
  for (const found of [2048, 60_000]) assert.deepEqual(fewImagesRemarks("bars", found, 2048), []);
});
