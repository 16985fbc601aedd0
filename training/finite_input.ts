/**
 * Refuses to calibrate a layer on an input that is not finite.
 *
 * @param layer Its name.
 * @param found What was found of the input on the GPU: smallest and largest value, or a sum.
 * @param what That, for the error.
 * @throws {RangeError} If one is not finite, with the layer's name.
 */
export function requireFiniteInput(
  layer: string,
  found: readonly number[],
  what: string = "every value of its input",
): void {
  const bad = found.find((value) => !Number.isFinite(value));
  if (bad === undefined) return;
  throw new RangeError(`Cannot calibrate "${layer}": ${what} must be finite: found ${bad}`);
}
