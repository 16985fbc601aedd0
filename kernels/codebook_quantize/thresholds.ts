/** The greatest float32: no number lies above it. */
const GREATEST = Math.fround(3.4028234663852886e38);

/**
 * Finds the thresholds between the levels of a codebook: midpoints, in float32.
 *
 * @param levels Ascending.
 * @returns One fewer than levels; a number at a threshold belongs to the level above it.
 */
export function thresholdsOf(levels: Float32Array): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: levels.length - 1 }, (_, i) => {
    const middle = Math.fround((levels[i] + levels[i + 1]) / 2);
    // beside neighbors in float32 there is no middle, and a level must stay its own
    return middle > levels[i] ? middle : levels[i + 1];
  });
}

/** Codebooks as the kernels read them: rows of equal length. */
export interface PackedCodebooks {
  /** Slots of a row, a power of two. */
  readonly slots: number;
  /** `[codebooks, slots]`; a shorter list repeats its last level. */
  readonly levels: Float32Array<ArrayBuffer>;
  /** `[codebooks, slots]`; after the last threshold the greatest float32. */
  readonly thresholds: Float32Array<ArrayBuffer>;
}

/**
 * Packs codebooks of any lengths into rows of equal length.
 *
 * @param codebooks Ascending levels, at least one each.
 * @returns Rows of levels and of thresholds.
 * @throws {RangeError} If there is no codebook, or one has no level or does not ascend.
 */
export function packCodebooks(codebooks: readonly Float32Array[]): PackedCodebooks {
  const bad = codebooks.findIndex((levels) =>
    levels.length === 0 || !levels.every((level, i) => i === 0 || level > levels[i - 1])
  );
  if (codebooks.length === 0 || bad >= 0) {
    throw new RangeError(
      "Cannot pack codebooks: each must have ascending levels: " +
        (bad < 0 ? "there is none" : `codebook ${bad} is [${codebooks[bad].join(", ")}]`),
    );
  }
  const longest = Math.max(...codebooks.map(({ length }) => length));
  const slots = 2 ** Math.ceil(Math.log2(longest));
  const packed = {
    slots,
    levels: new Float32Array(codebooks.length * slots),
    thresholds: new Float32Array(codebooks.length * slots).fill(GREATEST),
  };
  codebooks.forEach((levels, row) => {
    const start = row * slots;
    packed.levels.fill(levels[levels.length - 1], start, start + slots);
    packed.levels.set(levels, start);
    packed.thresholds.set(thresholdsOf(levels), start);
  });
  return packed;
}
