/**
 * Rounds to the nearest whole number, ties to even: as WGSL, IEEE 754, ONNX and PyTorch do.
 *
 * @param value Any number.
 * @returns The nearest whole number; of two equally near ones the even one.
 */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  if (fraction !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * Rounds to the nearest whole number, but what is less than 1 in magnitude to 0.
 *
 * The dead zone is as wide as that of truncation, which it is compared with: outside it nothing is
 * biased.
 *
 * @param value Any number.
 * @returns 0 for -1 < value < 1, else the nearest whole number, ties to even.
 */
export function roundWithDeadZone(value: number): number {
  return Math.abs(value) < 1 ? 0 : roundHalfEven(value);
}

/**
 * Rounds up or down at random, so that the expectation is the number itself.
 *
 * @param value A float32.
 * @param uniform A random number in [0, 1), a multiple of 2^-24.
 * @returns The whole number below, or the one above where `uniform` is less than the fraction.
 * @see Gupta et al. 2015, arXiv:1502.02551
 */
export function roundStochastically(value: number, uniform: number): number {
  const below = Math.floor(value);
  return below + (uniform < Math.fround(value - below) ? 1 : 0);
}
