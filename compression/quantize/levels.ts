import {
  levelCode,
  type LevelGrid,
  REQUANTIZE_ROUNDING,
  streamKey,
  uniformAt,
} from "../../kernels/mod.ts";
import type { AffineGrid } from "./affine.ts";
import { BITS, type Bits, isBits } from "./bits.ts";
import { requireFinite } from "./finite.ts";
import { ofLabel } from "./of_label.ts";
import type { QuantizedWeight } from "./quantized_weight.ts";

/**
 * Which grid around 0 weights are put on, and how; frozen data.
 *
 * _Octization_ is `{ bits: 8, rounding: "towardZero", scale: "fixed" }`: truncation toward zero at
 * 1/255, with codes that are written down in base 8.
 */
export interface LevelQuantization {
  /** Bits of a magnitude, beside its sign: codes go from -(2^b - 1) to 2^b - 1. */
  readonly bits: Bits;
  /** What becomes of a number between two of the grid. */
  readonly rounding: keyof typeof REQUANTIZE_ROUNDING;
  /** Steps of 1 / (2^b - 1), or of the largest magnitude of the weight / (2^b - 1). */
  readonly scale: "fixed" | "absmax";
}

/** What the random numbers of one weight start from; the same as in training. */
export interface LevelRandomness {
  /** Of the network. */
  readonly seed: number;
  /** Which weight it is. */
  readonly stream: number;
  /** Steps of training done. */
  readonly step: number;
}

/** Smallest scale, as in the requantize kernels. */
const LEAST_SCALE = 2 ** -120;
const { fround } = Math;

/**
 * Finds the grid of a weight.
 *
 *     s = 1 / (2^b - 1)  or  max |w| / (2^b - 1),    r = 1 / s,    in float32
 *
 * @param values The weight.
 * @param quantization Bits and scale.
 * @returns Scale, its reciprocal and the largest code, equal to those of the requantize kernels bit for
 *   bit. A weight of nothing but 0 gets the scale 1.
 */
export function levelGrid(
  values: Float32Array,
  { bits, scale }: LevelQuantization,
): LevelGrid {
  const levels = 2 ** bits - 1;
  if (scale === "fixed") return { scale: fround(1 / levels), inverseScale: levels, levels };
  const most = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const step = most === 0 ? 1 : Math.max(fround(most / levels), LEAST_SCALE);
  return { scale: step, inverseScale: fround(1 / step), levels };
}

/**
 * Puts a trained weight on a grid around 0: the same numbers as the requantize kernels give in training.
 *
 * A number of the grid keeps its code, whatever the rounding. That goes for a scale that is given, as a
 * fixed one is: an absmax scale found anew from weights that were rounded may be an ULP off, and then
 * truncation takes a step off some of them.
 *
 * @param values The weight, row-major, outputs first.
 * @param shape `[outputs, ...]`.
 * @param quantization Bits, rounding and scale.
 * @param randomness What stochastic rounding draws from; stream 0 of seed 0 if left out.
 * @param label Name of the weight, for errors.
 * @returns Codes from -(2^b - 1) to 2^b - 1 and their grid.
 * @throws {RangeError} If the bits are not a whole number from 1 to 16, or a value is not finite.
 *
 * @example Octization of 0.75
 * ```ts
 * import assert from "node:assert/strict";
 * import { quantizeToLevels } from "@bitcliff/bitcliff";
 *
 * const octization = { bits: 8, rounding: "towardZero", scale: "fixed" } as const;
 * const { codes } = quantizeToLevels(new Float32Array([0.75, -0.75]), [1, 2], octization);
 * assert.deepEqual([...codes], [191, -191]);
 * ```
 */
export function quantizeToLevels(
  values: Float32Array,
  shape: readonly number[],
  quantization: LevelQuantization,
  randomness: LevelRandomness = { seed: 0, stream: 0, step: 0 },
  label?: string,
): QuantizedWeight {
  const { bits, rounding } = quantization;
  if (!isBits(bits)) {
    throw new RangeError(
      `Cannot quantize to levels: bits must be a whole number from ${BITS.least} to ${BITS.most}: ` +
        `${bits}`,
    );
  }
  requireFinite(`quantize values${ofLabel(label)} to levels`, "its values", values);
  const own = levelGrid(values, quantization);
  const { seed, stream, step } = randomness;
  const key = streamKey(streamKey(seed, stream), step);
  const codes = Int32Array.from(
    values,
    (x, i) => levelCode(x, own, REQUANTIZE_ROUNDING[rounding], uniformAt(key, i)),
  );
  const { scale, inverseScale, levels } = own;
  const limits = { qMin: -levels, qMax: levels };
  const grid: AffineGrid = { kind: "affine", scale, inverseScale, zeroPoint: 0, ...limits };
  return { shape: [...shape], groupSize: values.length, grids: [grid], codes };
}
