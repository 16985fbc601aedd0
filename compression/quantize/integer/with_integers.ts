/**
 * Says what cannot be done, at the beginning of an error.
 *
 * @param layer Name of the layer, if it is known.
 * @returns Such as `compute layer "fc1" with integers`.
 */
export function withIntegers(layer: string | undefined): string {
  return layer === undefined ? "compute with integers" : `compute layer "${layer}" with integers`;
}
