/**
 * Finds the smallest power of two that is not below a number.
 *
 * @param value A positive number.
 * @returns A power of two.
 */
export function powerOfTwoAbove(value: number): number {
  const power = 2 ** Math.ceil(Math.log2(value));
  // a logarithm may be off by its last bit beside a whole number
  if (power / 2 >= value) return power / 2;
  return power < value ? 2 * power : power;
}
