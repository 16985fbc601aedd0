/** Bins of magnitudes at most that the entropy observer looks at, as in TensorRT. */
export const MAGNITUDE_BINS = 2048;

/** Bits at most of a grid that it finds a range for: beyond, a bin is wider than a step. */
export const MOST_ENTROPY_BITS: number = Math.log2(MAGNITUDE_BINS);
