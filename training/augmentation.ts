import type { PixelRows } from "../autograd/mod.ts";
import { reshape, run, type Tensor } from "../gpu/mod.ts";
import { augmentKernels } from "../kernels/mod.ts";
import type { Model, TrainingContext } from "../models/mod.ts";

/**
 * What is done to training images at random, anew at every step; frozen data, part of a trial.
 *
 * @see Krizhevsky et al. 2012, NIPS 25 (crop, flip); DeVries and Taylor 2017, arXiv:1708.04552 (cutout)
 */
export interface Augmentation {
  /** Black pixels put around an image before it is cut to its size again; none if left out. */
  readonly cropPadding?: number;
  /** True to mirror half of the images left to right; no if left out. */
  readonly horizontalFlip?: boolean;
  /** Side in pixels of a square that becomes 0 after normalization; none if left out. */
  readonly cutout?: number;
}

/** Streams of layers count from 0: this is none of them. */
const STREAM = 2 ** 31;

/** Sides that the kernel can choose places in. */
const MOST_PIXELS = 2 ** 15 - 1;

/**
 * Tells if there is anything to do to images.
 *
 * @param augmentation What is done, if anything.
 * @returns False if images would stay as they are.
 */
export function isAugmenting(augmentation: Augmentation = {}): boolean {
  const { cropPadding = 0, horizontalFlip = false, cutout = 0 } = augmentation;
  return cropPadding > 0 || horizontalFlip || cutout > 0;
}

/**
 * Lists what is wrong with the numbers of an augmentation.
 *
 * @param augmentation What is done to images.
 * @returns What must be how, and what it is; empty if all is well.
 */
export function augmentationMistakes({ cropPadding = 0, cutout = 0 }: Augmentation): string[] {
  const isFine = (n: number) => Number.isInteger(n) && n >= 0 && n <= MOST_PIXELS;
  return Object.entries({ "crop padding": cropPadding, "cutout": cutout })
    .filter(([, found]) => !isFine(found))
    .map(([what, found]) =>
      `the ${what} must be a whole number from 0 to ${MOST_PIXELS}: ${found}`
    );
}

/**
 * Copies the images of a batch as floats, cropped, mirrored and cut out at random.
 *
 * A pure function of seed, step and place in the batch, so that a population sees what each network
 * sees alone, and a resumed run what an uninterrupted one does.
 *
 * @param batch Which images of which set, `[networks, batch]`.
 * @param inputShape Channels, height and width of an image.
 * @param augmentation What is done to them.
 * @param training Seeds and step.
 * @returns `[networks, batch, channels * height * width]`.
 * @throws {RangeError} If rows of images are not a multiple of 4 pixels long, or the images are not of
 *   that shape.
 */
export function augmentImages(
  { source, rows }: PixelRows,
  inputShape: Model["inputShape"],
  { cropPadding = 0, horizontalFlip = false, cutout = 0 }: Augmentation,
  { clock, seeds }: TrainingContext,
): Tensor {
  const [channels, height, width] = inputShape;
  if (width % 4 !== 0) {
    throw new RangeError(
      `Cannot augment images of ${height} x ${width}: rows must be a multiple of 4 pixels long`,
    );
  }
  const [networks, batch] = rows.shape;
  const { pixels, rest, scale, shift, count, firstCount } = source;
  const inputs = { pixels, rest, rows: reshape(rows, [rows.size]), scale, shift, seeds, clock };
  const { x } = run(augmentKernels.augment, inputs, {
    networks,
    batch,
    count,
    firstCount,
    channels,
    height,
    width,
    padding: cropPadding,
    flip: horizontalFlip ? 1 : 0,
    cutout,
    stream: STREAM,
  });
  return reshape(x, [networks, batch, channels * height * width]);
}
