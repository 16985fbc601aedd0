import assert from "node:assert/strict";
import { calibrate } from "../../training/mod.ts";
import { chunksOf, type ImageSet, uploadImages } from "../../data/mod.ts";
import { fcNN, initialParameters, uploadParameters } from "../../models/mod.ts";
import { buildVariants } from "../../experiments/execute/variants.ts";
import { testDevice } from "../support/device.ts";

const model = fcNN({ inputShape: [1, 2, 2], hidden: [2], classes: 2 });

/** Hidden units: x0 - x1 and 2 x2 + 0.5. */
const parameters = {
  "fc1.weight": Float32Array.of(1, -1, 0, 0, 0, 0, 2, 0),
  "fc1.bias": Float32Array.of(0, 0.5),
  "fc2.weight": Float32Array.of(1, 0, 0, 1),
  "fc2.bias": Float32Array.of(0, 0),
};

/** Images of four pixels. */
function images(...pixels: readonly (readonly number[])[]): ImageSet {
  return {
    images: Uint8Array.from(pixels.flat()),
    labels: new Uint8Array(pixels.length),
    count: pixels.length,
    channels: 1,
    height: 2,
    width: 2,
  };
}

Deno.test("calibrate() finds the range of every layer's input over all chunks", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { tensors } = uploadParameters(device, model, [parameters]);
  // the number of each pixel is its byte: no division blurs what is computed by hand
  const chunks = [
    images([3, 1, 4, 0], [1, 9, 2, 6]), // hidden: 2, 8.5; 0 (from -8), 4.5
    images([7, 2, 1, 5]), //                hidden: 5, 2.5
  ].flatMap((set) => chunksOf(device, uploadImages(device, set, { mean: [0], std: [1 / 255] })));
  assert.equal(chunks.length, 2);
  assert.deepEqual(await calibrate(device, model, tensors, chunks), {
    ranges: { fc1: { low: 0, high: 9 }, fc2: { low: 0, high: 8.5 } },
    meanMagnitudes: { fc1: 41 / 12, fc2: 22.5 / 6 },
    remarks: [],
  });
  const { ranges } = await calibrate(device, model, tensors, chunks.slice(1));
  assert.deepEqual(ranges, { fc1: { low: 1, high: 7 }, fc2: { low: 2.5, high: 5 } });
});

Deno.test("calibrate() says which channels never changed, over all chunks", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { tensors } = uploadParameters(device, model, [parameters]);
  const set = images([0, 0, 4, 0], [1, 1, 4, 6]);
  const upload = (from: ImageSet) =>
    chunksOf(device, uploadImages(device, from, { mean: [0], std: [1 / 255] }));
  const { remarks } = await calibrate(device, model, tensors, upload(set));
  assert.deepEqual(remarks, [
    '"fc1": 1 of 4 channels never changed in 2 samples: channel 2 is 4',
    '"fc2": 2 of 2 channels never changed in 2 samples: channel 0 is 0',
  ]);
  const more = [...upload(set), ...upload(images([9, 1, 5, 6]))];
  assert.deepEqual((await calibrate(device, model, tensors, more)).remarks, []);
});

Deno.test("calibrate() names the layer whose input is not finite", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const set = images([3, 1, 4, 0], [1, 9, 2, 6]);
  const bytes = chunksOf(device, uploadImages(device, set, { mean: [0], std: [1 / 255] }));
  const large = { ...parameters, "fc1.weight": Float32Array.of(1, -1, 0, 0, 0, 0, 2e38, 0) };
  await assert.rejects(
    calibrate(device, model, uploadParameters(device, model, [large]).tensors, bytes),
    new RangeError(
      'Cannot calibrate "fc2": every value of its input must be finite: found Infinity',
    ),
  );
  // 0 times an infinite scale is no number, among others that are
  const twoChannels = fcNN({ inputShape: [2, 2, 2], hidden: [2], classes: 2 });
  const black = { ...images([3, 1, 4, 0], [0, 0, 0, 0]), count: 1, channels: 2 };
  const broken = uploadImages(device, black, { mean: [0, 0], std: [1 / 255, 0] });
  const { tensors } = uploadParameters(device, twoChannels, [initialParameters(twoChannels, 1)]);
  await assert.rejects(
    calibrate(device, twoChannels, tensors, chunksOf(device, broken)),
    new RangeError('Cannot calibrate "fc1": every value of its input must be finite: found NaN'),
  );
});

Deno.test("calibrate() and what follows name the layer whose range is too wide for a grid", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const wide = { ...parameters, "fc1.bias": Float32Array.of(0, 1e38) };
  const { tensors } = uploadParameters(device, model, [wide]);
  const chunks = chunksOf(device, uploadImages(device, images([3, 1, 4, 0])));
  const { ranges } = await calibrate(device, model, tensors, chunks);
  const compression = {
    kind: "affine",
    bits: 8,
    granularity: "tensor",
    activations: true,
  } as const;
  await assert.rejects(
    buildVariants(device, model, wide, [compression], ranges, 0),
    /^RangeError: Cannot quantize values of "fc2" from .* to .*e\+37: the range must be finite and /,
  );
});
