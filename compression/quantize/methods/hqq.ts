import { roundHalfEven } from "../../../kernels/mod.ts";
import { requireFinite } from "../finite.ts";
import { codebookGrid } from "../grids/codebook.ts";
import { groupSizeOf } from "../grids/granularity.ts";
import { roundToGrids } from "../grids/round.ts";
import type { Granularity } from "../grids/spec.ts";
import { ofLabel } from "../of_label.ts";
import type { CodebookGrid, QuantizedWeight } from "../quantized_weight.ts";

/** Bits of a code whose zero point is a real number. */
export type HqqBits = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** Bit-widths that half-quadratic quantization accepts. */
export const HQQ_BITS: Readonly<{ least: number; most: number }> = { least: 1, most: 8 };

/**
 * Tells whether a number is a bit-width of half-quadratic quantization.
 *
 * @param bits Any number.
 * @returns Whether it is a whole number from 1 to 8.
 */
export function isHqqBits(bits: number): bits is HqqBits {
  return Number.isInteger(bits) && bits >= HQQ_BITS.least && bits <= HQQ_BITS.most;
}

/** Settings of half-quadratic quantization; those of the authors' program if left out. */
export interface HqqOptions {
  /** Bits of a code, 1 to 8. */
  readonly bits: HqqBits;
  /** Weights that share scale and zero point. */
  readonly granularity: Granularity;
  /** p of the norm of errors, above 0 to 1: small p forgives outliers; 0.7. */
  readonly p?: number;
  /** First weight of the quadratic term; 10. */
  readonly beta?: number;
  /** What beta grows by every iteration; 1.01. */
  readonly kappa?: number;
  /** Iterations at most; 20. */
  readonly iterations?: number;
  /** Whether the scale is fitted along with the zero point; false, as in the article. */
  readonly fitScale?: boolean;
  /** Name of the weight, for errors. */
  readonly label?: string;
}

/** x where the l_p norm and beta / 2 (x - v)^2 together are least, approximately. */
function shrink(v: number, beta: number, p: number): number {
  const size = Math.abs(v);
  return size === 0 ? 0 : Math.sign(v) * Math.max(size - size ** (p - 1) / beta, 0);
}

/** q = clamp(round(w / s + z)) and what goes with it. */
interface Fit {
  readonly scale: number;
  readonly zero: number;
}

function codesOf(w: Float32Array, { scale, zero }: Fit, most: number): Float64Array<ArrayBuffer> {
  return Float64Array.from(
    w,
    (value) => Math.min(Math.max(roundHalfEven(value / scale + zero), 0), most),
  );
}

/** One group: alternates between the error that is put up with, and the grid for the rest. */
function fitGroup(w: Float32Array, options: Required<Omit<HqqOptions, "label">>): Fit {
  const { bits, p, kappa, iterations, fitScale } = options;
  const most = 2 ** bits - 1;
  const [low, high] = [w.reduce((a, b) => Math.min(a, b)), w.reduce((a, b) => Math.max(a, b))];
  const step = high > low ? (high - low) / most : 1;
  let fit: Fit = { scale: step, zero: -low / step };
  let best = fit;
  let least = Infinity;
  let { beta } = options;
  for (let i = 0; i <= iterations; i++, beta *= kappa) {
    const { scale, zero } = fit;
    const q = codesOf(w, fit, most);
    const error = q.reduce((sum, code, j) => sum + Math.abs(w[j] - (code - zero) * scale), 0);
    if (error >= least) break;
    [least, best] = [error, fit];
    const rest = q.map((code, j) => w[j] - shrink(w[j] - (code - zero) * scale, beta, p));
    const mean = q.reduce((sum, code, j) => sum + code - rest[j] / scale, 0) / w.length;
    fit = { scale, zero: mean };
    if (!fitScale) continue;
    const square = q.reduce((sum, code) => sum + (code - mean) ** 2, 0);
    const product = q.reduce((sum, code, j) => sum + rest[j] * (code - mean), 0);
    if (product > 0 && square > 0) fit = { scale: product / square, zero: mean };
  }
  return best;
}

/**
 * Quantizes a weight without data, on grids whose zero points forgive outliers: half-quadratic
 * quantization.
 *
 *     min over z of |W - s (Q - z)|_p,  p < 1:   W_e := shrink_p(W - s (Q - z), beta)
 *                                                z := mean(Q - (W - W_e) / s),  beta := kappa beta
 *
 * starting from the min-max grid of each group, and ending when the mean magnitude of errors no longer
 * falls. While the zero point is found, codes are clamp(round(w / s + z)) in float64; those that are
 * returned are the nearest levels, as on any list of them. The settings that are left out suit weights of
 * about 0.01 to 0.1, as trained layers have. The zero point is a real number, so a group's grid is a codebook
 * of the levels (q - z) s; a file needs two numbers for it, s and z.
 *
 * @param weight Row-major, outputs first.
 * @param shape `[outputs, ...]`.
 * @param options Bits, granularity and the settings of the optimization.
 * @returns Codes and grids.
 * @throws {RangeError} If the bits are not 1 to 8, another setting is out of range, the group does not
 *   divide a row, or a weight is not finite.
 * @see Badri and Shaji 2023, Half-Quadratic Quantization of Large Machine Learning Models,
 *   https://mobiusml.github.io/hqq_blog/
 */
export function hqq(
  weight: Float32Array,
  shape: readonly number[],
  options: HqqOptions,
): QuantizedWeight {
  const full = { p: 0.7, beta: 10, kappa: 1.01, iterations: 20, fitScale: false, ...options };
  const { bits, granularity, p, beta, kappa, iterations } = full;
  const isSensible = isHqqBits(bits) && p > 0 && p <= 1 &&
    beta > 0 && beta < Infinity && kappa >= 1 && kappa < Infinity &&
    Number.isInteger(iterations) && iterations >= 0;
  if (!isSensible) {
    throw new RangeError(
      `Cannot quantize half-quadratically: bits must be a whole number from ${HQQ_BITS.least} to ` +
        `${HQQ_BITS.most}, p above 0 to 1, beta above 0, kappa at least 1 and iterations a whole ` +
        "number of at least 0: they are " +
        `${bits}, ${p}, ${beta}, ${kappa} and ${iterations}`,
    );
  }
  const groupSize = groupSizeOf(shape, granularity, options.label);
  const action = `quantize values${ofLabel(options.label)} half-quadratically`;
  requireFinite(action, "weights", weight);
  if (weight.length !== shape.reduce((a, b) => a * b, 1)) {
    throw new RangeError(
      `Cannot ${action}: they must fill shape [${shape.join(", ")}]: there are ${weight.length}`,
    );
  }
  const grids: CodebookGrid[] = [];
  for (let first = 0; first < weight.length; first += groupSize) {
    const fit = fitGroup(weight.subarray(first, first + groupSize), full);
    const levels = Array.from({ length: 2 ** bits }, (_, q) => (q - fit.zero) * fit.scale);
    grids.push(codebookGrid(levels, 2));
  }
  return roundToGrids(weight, shape, grids, "nearestEven");
}
