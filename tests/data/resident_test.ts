import assert from "node:assert/strict";
import { gatherPixels } from "../../autograd/mod.ts";
import { uploadImages } from "../../data/resident.ts";
import { read, tensor } from "../../gpu/mod.ts";
import { testDevice } from "../support/device.ts";

/** Gray images of one value each. */
function plainImages(count: number, height: number, width: number) {
  const size = height * width;
  const images = new Uint8Array(count * size);
  for (let i = 0; i < count; i++) images.fill(i % 251, i * size, (i + 1) * size);
  return { images, labels: new Uint8Array(count), count, channels: 1, height, width };
}

Deno.test("uploadImages() splits a set that is more than the adapter binds at once", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const most = device.gpu.limits.maxStorageBufferBindingSize;
  const side = 1024;
  const firstCount = Math.floor(most / side ** 2);
  const count = firstCount + 2;
  const source = uploadImages(device, plainImages(count, side, side));
  assert.deepEqual([source.firstCount, source.rest.shape[0]], [firstCount, 2]);
  const chosen = [0, firstCount - 1, firstCount, count - 1];
  const rows = tensor(device, Uint32Array.from(chosen), [1, chosen.length]);
  const x = await read(gatherPixels({ source, rows }));
  const corners = chosen.flatMap((_, i) => [x[i * side ** 2], x[(i + 1) * side ** 2 - 1]]);
  const wanted = chosen.flatMap((row) => [row % 251, row % 251].map((byte) => byte / 255));
  corners.forEach((value, i) => assert.ok(Math.abs(value - wanted[i]) < 1e-6, `${i}: ${value}`));
});

Deno.test("uploadImages() keeps a set whole that fits", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const source = uploadImages(device, plainImages(3, 4, 4));
  assert.deepEqual([source.firstCount, source.rest], [3, source.pixels]);
});
