/** Bins of one sign: 64 octaves of 1,024. */
const SIDE = 65_536;
/** Exponent of the smallest magnitude that has a bin of its own. */
const LEAST_EXPONENT = -30;
/** Bins of an octave. */
const OCTAVE = 1024;

/** Length of the counts: negative values, positive ones, those too small and those too great. */
export const COUNT_SLOTS: number = 2 * SIDE + 2;

/** Slot of what is less than 2^-30 in magnitude, 0 among it. */
export const SMALL_SLOT: number = 2 * SIDE;

/** Slot of what is 2^34 or more in magnitude, or not finite. */
export const BEYOND_SLOT: number = 2 * SIDE + 1;

/**
 * Finds the slot that counts a value.
 *
 * @param value A float32, or NaN.
 * @returns Its slot, as the histogram kernel has it.
 */
export function slotOf(value: number): number {
  const magnitude = Math.abs(value);
  if (magnitude < 2 ** LEAST_EXPONENT) return SMALL_SLOT;
  if (!(magnitude < 2 ** (LEAST_EXPONENT + 64))) return BEYOND_SLOT;
  let exponent = Math.floor(Math.log2(magnitude));
  // a logarithm may be off by its last bit beside a whole number
  if (magnitude < 2 ** exponent) exponent--;
  else if (magnitude >= 2 ** (exponent + 1)) exponent++;
  const fraction = Math.floor(OCTAVE * (magnitude / 2 ** exponent - 1));
  return (value > 0 ? SIDE : 0) + (exponent - LEAST_EXPONENT) * OCTAVE + fraction;
}

/**
 * Gives the magnitudes that a slot counts.
 *
 * @param slot A slot of a value with a bin of its own.
 * @returns Sign, the smallest magnitude and the one it ends before.
 */
export function binOfSlot(slot: number): { readonly sign: 1 | -1; least: number; end: number } {
  const k = slot % SIDE;
  const scale = 2 ** (Math.floor(k / OCTAVE) + LEAST_EXPONENT) / OCTAVE;
  const least = scale * (OCTAVE + k % OCTAVE);
  return { sign: slot >= SIDE ? 1 : -1, least, end: least + scale };
}
