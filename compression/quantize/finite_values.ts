/**
 * Says whose something is, in the middle of an error.
 *
 * @param label Name of a layer or a weight, if it is known.
 * @returns Such as ` of "fc1"`; nothing if the name is not known.
 */
export function ofLabel(label: string | undefined): string {
  return label === undefined ? "" : ` of "${label}"`;
}

/**
 * Refuses values that are not finite.
 *
 * @param values Any number of them.
 * @param action What cannot be done then, such as `find the range of "fc1.weight"`.
 * @throws {RangeError} If one is NaN or infinite: which is the first.
 */
export function checkFinite(values: Float32Array, action: string): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(`Cannot ${action}: value ${bad} must be finite: it is ${values[bad]}`);
  }
}
