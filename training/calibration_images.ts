/** Training images on which smallest and largest inputs of layers are found, on the GPU, if no number is asked for. */
export const RANGE_IMAGES = 2048;

/**
 * Training images whose activations are read by observers on the host, if no number is asked for; more
 * change a range little.
 */
export const OBSERVED_IMAGES = 256;

/** Images whose activations are read at once: the batches of a moving average. */
export const OBSERVED_AT_ONCE = 64;

/**
 * Says that ranges come from fewer calibration images than are usual.
 *
 * @param subject What is calibrated on them: the name of a layer or a data set.
 * @param found Images that there are.
 * @param usual Images that are taken where there are enough.
 * @returns One sentence, or none if there are enough.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { fewImagesRemarks } from "@bitcliff/bitcliff";
 *
 * assert.deepEqual(fewImagesRemarks("fc1", 10, 256), [
 *   "fc1: ranges of inputs were found on 10 images instead of 256",
 * ]);
 * assert.deepEqual(fewImagesRemarks("fc1", 256, 256), []);
 * ```
 */
export function fewImagesRemarks(subject: string, found: number, usual: number): string[] {
  if (found >= usual) return [];
  const [has, wants] = [found, usual].map((count) => count.toLocaleString("en-US"));
  return [
    `${subject}: ranges of inputs were found on ${has} images instead of ${wants}`,
  ];
}
