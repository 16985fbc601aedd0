import assert from "node:assert/strict";
import fc from "../support/fast_check.ts";
import { firstImages, type ImageSet, splitTrainValidation } from "../../data/dataset.ts";

function imageSet(count: number, channels = 1): ImageSet {
  const images = Uint8Array.from({ length: count * channels * 6 }, (_, i) => i % 256);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 10);
  return { images, labels, count, channels, height: 3, width: 2 };
}

Deno.test("splitTrainValidation() keeps the last 10,000 of 60,000", () => {
  const all = imageSet(60_000);
  const { train, validation } = splitTrainValidation(all);
  assert.equal(train.count, 50_000);
  assert.equal(validation.count, 10_000);
  assert.equal(validation.images.byteOffset, 50_000 * 6);
  assert.equal(validation.labels.byteOffset, 50_000);
  assert.equal(validation.images.buffer, all.images.buffer);
});

Deno.test("splitTrainValidation() loses no image and repeats none", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 6, max: 60 }),
      fc.integer({ min: 1, max: 3 }),
      (count, channels) => {
        const all = imageSet(count, channels);
        const { train, validation } = splitTrainValidation(all);
        assert.equal(validation.count, Math.floor(count / 6));
        assert.deepEqual([...train.images, ...validation.images], [...all.images]);
        assert.deepEqual([...train.labels, ...validation.labels], [...all.labels]);
        assert.equal(train.count, train.labels.length);
      },
    ),
  );
});

Deno.test("splitTrainValidation() refuses an empty part", () => {
  for (const count of [0, 12, -1, 1.5, NaN]) {
    assert.throws(() => splitTrainValidation(imageSet(12), count), {
      name: "RangeError",
      message: "Cannot split 12 training images: validation must be 1 to 11 of them: " +
        `found ${count}`,
    });
  }
  assert.throws(() => splitTrainValidation(imageSet(5)), RangeError);
});

Deno.test("firstImages() takes so many, or all", () => {
  const set = imageSet(12);
  const { images, labels, count } = firstImages(set, 5);
  assert.equal(count, 5);
  assert.deepEqual(labels, set.labels.subarray(0, 5));
  assert.equal(images.length, 5 * set.images.length / 12);
  assert.equal(firstImages(set, 13).count, 12);
});
