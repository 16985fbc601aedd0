import { type Range, widenToZero } from "../affine.ts";
import type { CodebookGrid } from "../quantized_weight.ts";
import { codebookGrid } from "./codebook.ts";
import { checkGridSpec } from "./grid_mistakes.ts";
import { powerOfTwoAbove } from "./power.ts";
import type { AdditivePowersOfTwoGridSpec, PowersOfTwoGridSpec } from "./spec.ts";

/** Levels on both sides of 0, of ascending magnitudes; all follow from one scale. */
function mirrored(magnitudes: readonly number[]): CodebookGrid {
  const negative = magnitudes.map((magnitude) => -magnitude).reverse();
  return codebookGrid([...negative, 0, ...magnitudes], 1);
}

function farthest(range: Range, label: string | undefined): number {
  const { low, high } = widenToZero(range, label);
  return Math.max(-low, high);
}

/**
 * Makes a grid of 0 and powers of two, so that multiplying by a weight is shifting.
 *
 *     levels   0, +-2^(n - k),   k = 0 ... 2^(b-1) - 2,   n = floor(log2(4 max / 3))
 *
 * max being the greatest magnitude of the range: 2^n is the power of two nearest to it. With
 * `scale: "float"` the levels are +-max 2^-k.
 *
 * @param range Smallest and largest value.
 * @param spec Bits and kind of scale.
 * @param label Whose values they are, for errors.
 * @returns 2^b - 1 levels, fewer where they would fall below 2^-126; a single 0 for a range of 0.
 * @throws {RangeError} If bits are not 2 to 8, or the range is not finite.
 * @see Miyashita et al. 2016, arXiv:1603.01025; Zhou et al. 2017 (INQ), arXiv:1702.03044, section 3
 */
export function powersOfTwoGrid(
  range: Range,
  spec: PowersOfTwoGridSpec,
  label?: string,
): CodebookGrid {
  checkGridSpec(spec, label);
  const most = farthest(range, label);
  if (most === 0) return mirrored([]);
  // the greatest power of two not above 4 max / 3
  const nearest = powerOfTwoAbove(4 * most / 3);
  const top = spec.scale === "float" ? most : nearest > 4 * most / 3 ? nearest / 2 : nearest;
  const count = 2 ** (spec.bits - 1) - 1;
  return mirrored(Array.from({ length: count }, (_, i) => top * 2 ** (i + 1 - count)));
}

/**
 * Sums of powers of two, one of each term: what b - 1 bits of magnitude stand for.
 *
 * Every term has two bits for four choices, 0 among them; one bit that is left over has two.
 */
function additiveMagnitudes(magnitudeBits: number): number[] {
  const terms = Math.floor(magnitudeBits / 2);
  const odd = magnitudeBits % 2;
  const choices = Array.from(
    { length: terms },
    (_, i) => [0, 2 ** -i, 2 ** -(i + terms), 2 ** -(i + 2 * terms + odd)],
  );
  if (odd === 1) choices.push([0, 2 ** -(2 * terms)]);
  return choices.reduce((sums, term) => sums.flatMap((sum) => term.map((p) => sum + p)), [0])
    .sort((a, b) => a - b);
}

/**
 * Makes a grid of sums of powers of two: few shifts and additions a product, and finer than powers of
 * two far from 0.
 *
 *     levels   +-gamma sum_i p_i,   p_i in {0, 2^-i, 2^-(i+n), 2^-(i+2n)},   i = 0 ... n - 1
 *
 * for b - 1 = 2n bits of magnitude; with one bit more there is a term {0, 2^-2n}, and the last choice of
 * every p_i is half as large. gamma makes the greatest level the greatest magnitude of the range; with
 * `scale: "powerOfTwo"` it is the smallest power of two at which the greatest level reaches it, so that
 * levels are sums of powers of two themselves.
 *
 * @param range Smallest and largest value.
 * @param spec Bits and kind of scale.
 * @param label Whose values they are, for errors.
 * @returns 2^b - 1 levels; a single 0 for a range of 0.
 * @throws {RangeError} If bits are not 2 to 16, or the range is not finite.
 * @see Li et al. 2020, arXiv:1909.13144, section 2.2
 */
export function additivePowersOfTwoGrid(
  range: Range,
  spec: AdditivePowersOfTwoGridSpec,
  label?: string,
): CodebookGrid {
  checkGridSpec(spec, label);
  const most = farthest(range, label);
  if (most === 0) return mirrored([]);
  const magnitudes = additiveMagnitudes(spec.bits - 1).slice(1);
  const last = magnitudes[magnitudes.length - 1];
  const gamma = spec.scale === "powerOfTwo" ? powerOfTwoAbove(most / last) : most / last;
  return mirrored(magnitudes.map((magnitude) => gamma * magnitude));
}
