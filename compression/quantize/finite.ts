/**
 * Refuses numbers that are not finite, before they spread.
 *
 * @param action What cannot be done with them, such as `factor a Hessian`.
 * @param what What they are, such as `its elements`.
 * @param values The numbers.
 * @throws {RangeError} If one is not finite, with its index.
 */
export function requireFinite(
  action: string,
  what: string,
  values: Float32Array | Float64Array,
): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(
      `Cannot ${action}: ${what} must be finite: element ${bad} is ${values[bad]}`,
    );
  }
}
