import type { Numbers } from "../gpu/mod.ts";

/** Sizes that every pooling is checked by. */
export interface PoolSizes extends Numbers {
  /** Rows of x. */
  readonly inHeight: number;
  /** Columns of x. */
  readonly inWidth: number;
  /** Between windows, on both axes. */
  readonly stride: number;
}

/**
 * Checks the sizes of a pooling and counts its windows, in floor mode:
 * `outHeight = floor((inHeight - height) / stride) + 1`, the width likewise.
 *
 * @param sizes Every size in elements, by the name that an error calls it.
 * @param window Rows and columns of a window, in elements.
 * @returns Windows down and across a plane.
 * @throws {RangeError} If a size is not a positive whole number or the window does not fit.
 */
export function countWindows(
  sizes: PoolSizes,
  [height, width]: readonly [number, number],
): { readonly outHeight: number; readonly outWidth: number } {
  for (const [name, value] of Object.entries(sizes)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`Cannot pool: ${name} must be a whole number from 1 on: ${value}`);
    }
  }
  const { inHeight, inWidth, stride } = sizes;
  if (height > inHeight || width > inWidth) {
    throw new RangeError(
      `Cannot pool: the window must fit into the input: window is [${height}, ${width}], input is ` +
        `[${inHeight}, ${inWidth}]`,
    );
  }
  return {
    outHeight: Math.floor((inHeight - height) / stride) + 1,
    outWidth: Math.floor((inWidth - width) / stride) + 1,
  };
}

/** Elements of x. */
export const inputsOf = (p: Numbers): number => p.planes * p.inHeight * p.inWidth;

/** Elements of y. */
export const outputsOf = (p: Numbers): number => p.planes * p.outHeight * p.outWidth;

/**
 * Calls back for every pair of a window and an element in it, both counted through their tensor.
 *
 * @param p Params of a pooling.
 * @param window Rows and columns of a window, in elements.
 * @param pair Told of every pair, window by window, lines first.
 */
export function eachPair(
  p: Numbers,
  [height, width]: readonly [number, number],
  pair: (window: number, element: number) => void,
): void {
  for (let window = 0; window < outputsOf(p); window++) {
    const line = Math.floor(window / p.outWidth);
    const row = Math.floor(line / p.outHeight) * p.inHeight + line % p.outHeight * p.stride;
    const corner = row * p.inWidth + window % p.outWidth * p.stride;
    for (let ky = 0; ky < height; ky++) {
      for (let kx = 0; kx < width; kx++) pair(window, corner + ky * p.inWidth + kx);
    }
  }
}
