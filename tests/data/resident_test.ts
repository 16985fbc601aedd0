import assert from "node:assert/strict";
import { gatherPixels } from "../../autograd/mod.ts";
import { chunksOf, type Normalization, uploadImages } from "../../data/mod.ts";
import { read } from "../../gpu/mod.ts";
import { testDevice } from "../support/device.ts";
import { relativeError } from "../support/relative_error.ts";

const pixels = 16;
const images = Uint8Array.from({ length: 2 * 3 * pixels }, (_, i) => (i * 89) % 256);
const set = { images, labels: Uint8Array.of(1, 0), count: 2, channels: 3, height: 4, width: 4 };
const normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

async function pixelsOnDevice(normalization?: Normalization): Promise<Float32Array> {
  const device = await testDevice();
  using _scope = device.scope();
  const [chunk] = chunksOf(device, uploadImages(device, set, normalization));
  return await read(gatherPixels(chunk)) as Float32Array;
}

Deno.test("uploadImages() subtracts the mean and divides by the deviation of each channel", async () => {
  const { mean, std } = normalization;
  const wanted = Float32Array.from(images, (byte, i) => {
    const channel = Math.floor(i / pixels) % 3;
    return (byte / 255 - mean[channel]) / std[channel];
  });
  assert.ok(relativeError(await pixelsOnDevice(normalization), wanted) < 1e-6);
});

Deno.test("uploadImages() gives numbers from 0 to 1 if it is told nothing", async () => {
  const wanted = Float32Array.from(images, (byte) => byte / 255);
  assert.ok(relativeError(await pixelsOnDevice(), wanted) < 1e-6);
});

Deno.test("uploadImages() refuses a normalization of other channels", async () => {
  const device = await testDevice();
  assert.throws(() => uploadImages(device, set, { mean: [0.5], std: [0.5] }), {
    name: "RangeError",
    message: "Cannot upload images of 3 channels: the normalization must have as many: means 1, " +
      "deviations 1",
  });
});
