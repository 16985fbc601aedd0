/**
 * Reorders the axes of an array on the host, before or after the clock runs.
 *
 * @param data Row-major elements of `shape`.
 * @param shape Sizes of the axes.
 * @param order For each axis of the result, which axis of `data` it is.
 * @returns Row-major elements of the reordered array.
 */
export function permute(
  data: ArrayLike<number>,
  shape: readonly number[],
  order: readonly number[],
): Float32Array<ArrayBuffer> {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const result = new Float32Array(data.length);
  const place = order.map(() => 0);
  let source = 0;
  for (let i = 0; i < result.length; i++) {
    result[i] = data[source];
    for (let axis = order.length - 1; axis >= 0; axis--) {
      const size = shape[order[axis]], stride = strides[order[axis]];
      source += stride;
      if (++place[axis] < size) break;
      place[axis] = 0;
      source -= size * stride;
    }
  }
  return result;
}
