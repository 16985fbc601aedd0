import { randomSource } from "../../../kernels/mod.ts";
import { ofLabel } from "../of_label.ts";

/** A mean of random estimates, and how far it may be off. */
export interface TraceEstimate {
  /** Mean of v^T H v. */
  readonly trace: number;
  /** Standard error of the mean; NaN of a single sample. */
  readonly standardError: number;
  /** How many vectors. */
  readonly samples: number;
}

/**
 * Draws a vector of independent signs.
 *
 * @param length Its length.
 * @param seed Same seed, same signs.
 * @param stream Vectors of one seed are independent of each other.
 * @returns 1 and -1, equally often on average.
 */
export function rademacher(
  length: number,
  seed: number,
  stream: number,
): Float32Array<ArrayBuffer> {
  const random = randomSource(seed, stream);
  return Float32Array.from({ length }, () => random() < 0.5 ? -1 : 1);
}

/**
 * Sums up samples v^T H v of Hutchinson's estimator: for signs v their expectation is Tr(H).
 *
 * @param samples One a vector.
 * @param label Name of the weight, for errors.
 * @returns Mean and standard error.
 * @throws {RangeError} If there is none, or one is not finite.
 * @see Hutchinson 1989, doi:10.1080/03610918908812806; Dong et al. 2020, arXiv:1911.03852
 */
export function estimateTrace(samples: readonly number[], label?: string): TraceEstimate {
  const bad = samples.find((sample) => !Number.isFinite(sample));
  if (samples.length === 0 || bad !== undefined) {
    throw new RangeError(
      `Cannot estimate the trace${ofLabel(label)}: there must be samples, all finite: ` +
        (samples.length === 0 ? "there is none" : `one is ${bad}`),
    );
  }
  const count = samples.length;
  const trace = samples.reduce((a, b) => a + b, 0) / count;
  const squares = samples.reduce((sum, sample) => sum + (sample - trace) ** 2, 0);
  const standardError = Math.sqrt(squares / (count - 1) / count);
  return { trace, standardError, samples: count };
}
