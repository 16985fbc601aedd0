import { decodeIdx, UserError } from "../formats/mod.ts";
import type { ImageSet } from "./dataset.ts";

/** A file's content with the name that errors call it by. */
export interface NamedBytes {
  /** Path or URL. */
  readonly name: string;
  /** The content, not compressed. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Decodes an idx file of images and one of labels that belong together.
 *
 * @param imageFile Images `[count, height, width]` or `[count, channels, height, width]`.
 * @param labelFile Labels `[count]`.
 * @returns The set; pixels and labels are views into the files.
 * @throws {UserError} If a file is not such an idx file, a set is empty, or the counts differ.
 */
export function imageSetFromIdx(imageFile: NamedBytes, labelFile: NamedBytes): ImageSet {
  const images = decodeIdx(imageFile.bytes, imageFile.name);
  const labels = decodeIdx(labelFile.bytes, labelFile.name);
  const rank = images.shape.length;
  if (rank !== 3 && rank !== 4) {
    throw new UserError(
      `Cannot read images from "${imageFile.name}": the shape must be [count, height, width] or ` +
        `[count, channels, height, width]: found [${images.shape.join(", ")}]`,
    );
  }
  if (labels.shape.length !== 1) {
    throw new UserError(
      `Cannot read labels from "${labelFile.name}": the shape must be [count]: ` +
        `found [${labels.shape.join(", ")}]`,
    );
  }
  const [count] = images.shape;
  if (images.data.length === 0) {
    throw new UserError(
      `Cannot read images from "${imageFile.name}": there must be at least one pixel: ` +
        `found shape [${images.shape.join(", ")}]`,
    );
  }
  if (labels.shape[0] !== count) {
    throw new UserError(
      `Cannot read labels from "${labelFile.name}": expected ${count}, one for each image of ` +
        `"${imageFile.name}": found ${labels.shape[0]}`,
    );
  }
  const [height, width] = images.shape.slice(-2);
  const channels = rank === 4 ? images.shape[1] : 1;
  return { images: images.data, labels: labels.data, count, channels, height, width };
}

/**
 * Checks that every label names a class.
 *
 * @param labels Classes, `[count]`.
 * @param classCount Classes that exist; labels run from 0 to one less.
 * @param name The file's name, for errors.
 * @throws {UserError} If a label is out of range; says which, and the first place.
 */
export function checkLabels(labels: Uint8Array, classCount: number, name: string): void {
  const index = labels.findIndex((label) => label >= classCount);
  if (index >= 0) {
    throw new UserError(
      `Cannot read labels from "${name}": expected 0 to ${classCount - 1}: ` +
        `found ${labels[index]} at image ${index}`,
    );
  }
}
