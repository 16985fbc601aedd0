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
