/** Bins of magnitudes at most that the entropy observer looks at, as in TensorRT. */
export const MAGNITUDE_BINS = 2048;

/** Bits at most of a grid that it finds a range for: beyond, a bin is wider than a step. */
export const MOST_ENTROPY_BITS: number = Math.log2(MAGNITUDE_BINS);

/** Bins at least that are kept, as there: where few enough hold one value, cutting behind it seems free. */
export const LEAST_KEPT_BINS = 128;
