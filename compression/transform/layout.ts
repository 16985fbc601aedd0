import { permutedIndex } from "../../kernels/mod.ts";

/** How the weights of a layer, `[outputs, inputs]`, are laid out as images. */
export type Layout = MatrixLayout | ImageLayout | PermutedLayout;

/** The weight matrix itself is the one image. */
export interface MatrixLayout {
  /** Tells it from other layouts. */
  readonly kind: "matrix";
}

/** Every output's weights are an image of the input: neighbors are neighboring pixels. */
export interface ImageLayout {
  /** Tells it from other layouts. */
  readonly kind: "image";
  /** Rows of an image, in pixels. */
  readonly height: number;
  /** Columns of an image, in pixels. */
  readonly width: number;
}

/**
 * The control: as {@link ImageLayout}, but with the pixels of all images shuffled by one fixed
 * permutation. The same numbers and as many coefficients, without neighborhood.
 */
export interface PermutedLayout {
  /** Tells it from other layouts. */
  readonly kind: "permuted";
  /** Rows of an image, in pixels. */
  readonly height: number;
  /** Columns of an image, in pixels. */
  readonly width: number;
  /** Of the permutation. */
  readonly seed: number;
}

/** A stack of images that hold one network's weights. */
export interface ImageStack {
  /** Images a network. */
  readonly count: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Lays the weight matrix out as one image.
 *
 * @returns A frozen layout.
 */
export function matrixLayout(): MatrixLayout {
  return Object.freeze({ kind: "matrix" });
}

/**
 * Lays every output's weights out as an image of the input.
 *
 * @param height Of the input, in pixels.
 * @param width Of the input, in pixels.
 * @returns A frozen layout.
 */
export function imageLayout(height: number, width: number): ImageLayout {
  return Object.freeze({ kind: "image", height, width });
}

/**
 * Lays every output's weights out as an image with shuffled pixels: the control of
 * {@link imageLayout}.
 *
 * @param height Of the input, in pixels.
 * @param width Of the input, in pixels.
 * @param seed Of the permutation.
 * @returns A frozen layout.
 */
export function permutedLayout(height: number, width: number, seed: number = 0): PermutedLayout {
  return Object.freeze({ kind: "permuted", height, width, seed });
}

/**
 * Finds the images that a layout makes of one network's weights.
 *
 * @param layout The layout.
 * @param outputs Rows of the weight matrix.
 * @param inputs Columns of the weight matrix.
 * @returns How many images, and their size.
 * @throws {RangeError} If the inputs are not an image of the layout's size.
 */
export function imagesOf(layout: Layout, outputs: number, inputs: number): ImageStack {
  if (layout.kind === "matrix") return { count: 1, height: outputs, width: inputs };
  const { height, width } = layout;
  if (height * width !== inputs) {
    throw new RangeError(
      `Cannot lay ${inputs} inputs out as an image: they must be ${height} x ${width} = ` +
        `${height * width}: the weight is [${outputs}, ${inputs}]`,
    );
  }
  return { count: outputs, height, width };
}

/**
 * Draws a permutation that depends on nothing but its size and seed: a Feistel cipher over a
 * counter, so any place of it can be computed alone.
 *
 * @param count How many things to permute, at least 1.
 * @param seed Same seed, same permutation.
 * @returns `order` with `permuted[i] = original[order[i]]`, and `inverse`, which undoes it.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const { order, inverse } = fixedPermutation(784, 0);
 * assert.ok([...order.keys()].every((i) => inverse[order[i]] === i));
 * ```
 *
 * @see Black and Rogaway 2002, doi:10.1007/3-540-45760-7_9
 */
export function fixedPermutation(
  count: number,
  seed: number,
): { order: Uint32Array<ArrayBuffer>; inverse: Uint32Array<ArrayBuffer> } {
  const order = Uint32Array.from({ length: count }, (_, i) => permutedIndex(i, count, seed, 0));
  const inverse = new Uint32Array(count);
  order.forEach((from, i) => inverse[from] = i);
  return { order, inverse };
}
