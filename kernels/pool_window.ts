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
 * `outHeight = floor((inHeight + 2 padding - height) / stride) + 1`, the width likewise.
 *
 * @param sizes Every size in elements, by the name that an error calls it.
 * @param window Rows and columns of a window, in elements.
 * @param padding Elements on all four sides; at most half a window, so that none holds nothing else.
 * @returns Windows down and across a plane.
 * @throws {RangeError} If a size is not a positive whole number, the padding is more than half a window
 *   or the window does not fit.
 */
export function countWindows(
  sizes: PoolSizes,
  [height, width]: readonly [number, number],
  padding: number = 0,
): { readonly outHeight: number; readonly outWidth: number } {
  for (const [name, value] of Object.entries(sizes)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`Cannot pool: ${name} must be a whole number from 1 on: ${value}`);
    }
  }
  if (!Number.isInteger(padding) || padding < 0 || 2 * padding > Math.min(height, width)) {
    throw new RangeError(
      "Cannot pool: padding must be a whole number from 0 to half a window: window is " +
        `[${height}, ${width}], padding ${padding}`,
    );
  }
  const [rows, columns] = [sizes.inHeight + 2 * padding, sizes.inWidth + 2 * padding];
  if (height > rows || width > columns) {
    const input = padding === 0 ? "input" : "padded input";
    throw new RangeError(
      `Cannot pool: the window must fit into the ${input}: window is [${height}, ${width}], ` +
        `${input} is [${rows}, ${columns}]`,
    );
  }
  return {
    outHeight: Math.floor((rows - height) / sizes.stride) + 1,
    outWidth: Math.floor((columns - width) / sizes.stride) + 1,
  };
}

/** Elements of x. */
export const inputsOf = (p: Numbers): number => p.planes * p.inHeight * p.inWidth;

/** Elements of y. */
export const outputsOf = (p: Numbers): number => p.planes * p.outHeight * p.outWidth;

/**
 * Calls back for every pair of a window and an element in it, both counted through their tensor.
 * Padding has no elements.
 *
 * @param p Params of a pooling, `padding` among them if there is any.
 * @param window Rows and columns of a window, in elements.
 * @param pair Told of every pair, window by window, lines first.
 */
export function eachPair(
  p: Numbers,
  [height, width]: readonly [number, number],
  pair: (window: number, element: number) => void,
): void {
  const { inHeight, inWidth, outHeight, outWidth, stride, padding = 0 } = p;
  for (let window = 0; window < outputsOf(p); window++) {
    const line = Math.floor(window / outWidth);
    const plane = Math.floor(line / outHeight);
    const top = line % outHeight * stride - padding;
    const left = window % outWidth * stride - padding;
    for (let y = Math.max(top, 0); y < Math.min(top + height, inHeight); y++) {
      for (let x = Math.max(left, 0); x < Math.min(left + width, inWidth); x++) {
        pair(window, (plane * inHeight + y) * inWidth + x);
      }
    }
  }
}
