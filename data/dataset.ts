/** Labeled images as bytes in the host's memory. */
export interface ImageSet {
  /** Pixels from 0 to 255, `[count, channels, height, width]`, row-major. */
  readonly images: Uint8Array;
  /** Class of each image, `[count]`. */
  readonly labels: Uint8Array;
  /** Images in the set. */
  readonly count: number;
  /** 1 for gray, 3 for color. */
  readonly channels: number;
  /** Pixels from top to bottom. */
  readonly height: number;
  /** Pixels from left to right. */
  readonly width: number;
}

/** A data set for classification, verified and decoded. */
export interface Dataset {
  /** Short name, such as `mnist`. */
  readonly name: string;
  /** Where the files came from, in words for a report. */
  readonly source: string;
  /** What each label stands for, in label order. */
  readonly classes: readonly string[];
  /** Images to learn and to choose from. */
  readonly train: ImageSet;
  /** Images to report on, once. */
  readonly test: ImageSet;
  /** Training images that are kept for choices: the last ones. */
  readonly validationCount: number;
  /** SHA-256 in hexadecimal of every file's content, not compressed, by file name. */
  readonly sha256: Readonly<Record<string, string>>;
  /** Bytes of every file's content, not compressed, by file name. */
  readonly sizes: Readonly<Record<string, number>>;
}

/** A training set cut in two. */
export interface TrainValidation {
  /** Images to learn from. */
  readonly train: ImageSet;
  /** Images to choose by: stopping, thresholds, widths, everything but the reported figure. */
  readonly validation: ImageSet;
}

/** Views a run of images without copying. */
function imageRange(set: ImageSet, begin: number, end: number): ImageSet {
  const pixels = set.channels * set.height * set.width;
  return {
    ...set,
    images: set.images.subarray(begin * pixels, end * pixels),
    labels: set.labels.subarray(begin, end),
    count: end - begin,
  };
}

/**
 * Takes the first images of a set, without copying.
 *
 * @param set The set.
 * @param count How many; all if there are fewer.
 * @returns They, as views of the same memory.
 */
export function firstImages(set: ImageSet, count: number): ImageSet {
  return imageRange(set, 0, Math.min(count, set.count));
}

/**
 * Keeps the last images of a training set for validation, so that no choice is made on the test set.
 *
 * The cut is by position and so the same in every run; of MNIST's 60,000 images the last 10,000 are kept.
 *
 * @param train The whole training set.
 * @param validationCount Images to keep; one sixth, rounded down, if left out.
 * @returns Both parts, as views of the same memory.
 * @throws {RangeError} If a part would be empty.
 *
 * @example Six images make five and one
 * ```ts
 * import assert from "node:assert/strict";
 * import { splitTrainValidation } from "./dataset.ts";
 *
 * const labels = Uint8Array.of(0, 1, 2, 3, 4, 5);
 * const all = { images: labels, labels, count: 6, channels: 1, height: 1, width: 1 };
 * const { train, validation } = splitTrainValidation(all);
 * assert.deepEqual([...train.labels], [0, 1, 2, 3, 4]);
 * assert.deepEqual([...validation.labels], [5]);
 * ```
 */
export function splitTrainValidation(
  train: ImageSet,
  validationCount: number = Math.floor(train.count / 6),
): TrainValidation {
  const { count } = train;
  if (!Number.isInteger(validationCount) || validationCount < 1 || validationCount >= count) {
    throw new RangeError(
      `Cannot split ${count} training images: validation must be 1 to ${count - 1} of them: ` +
        `found ${validationCount}`,
    );
  }
  const cut = count - validationCount;
  return { train: imageRange(train, 0, cut), validation: imageRange(train, cut, count) };
}
