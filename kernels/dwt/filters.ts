import { unknownName } from "../../formats/user_error.ts";
import { BIORTHOGONAL_FILTERS, SCALING_FILTERS } from "./filter_tables.ts";

/** The four filters of a perfect-reconstruction wavelet transform, in PyWavelets' order of taps. */
export interface FilterBank {
  /** PyWavelets' name, such as `db2`. */
  readonly name: string;
  /** True if synthesis is the transpose of analysis, so that energy is kept (Parseval). */
  readonly orthonormal: boolean;
  /** Count of taps of every filter; even. */
  readonly taps: number;
  /** Low-pass analysis filter `[taps]`: gives the approximation. */
  readonly decLo: readonly number[];
  /** High-pass analysis filter `[taps]`: gives the detail. */
  readonly decHi: readonly number[];
  /** Low-pass synthesis filter `[taps]`. */
  readonly recLo: readonly number[];
  /** High-pass synthesis filter `[taps]`. */
  readonly recHi: readonly number[];
}

/** Orders (synthesis, analysis) of the spline wavelets that are computed: 20 taps at most. */
const SPLINE_ORDERS: Readonly<Record<string, readonly [recOrder: number, decOrder: number]>> = {
  "bior1.1": [1, 1],
  "bior1.3": [1, 3],
  "bior1.5": [1, 5],
  "bior2.2": [2, 2],
  "bior2.4": [2, 4],
  "bior2.6": [2, 6],
  "bior2.8": [2, 8],
  "bior3.1": [3, 1],
  "bior3.3": [3, 3],
  "bior3.5": [3, 5],
  "bior3.7": [3, 7],
  "bior3.9": [3, 9],
};

/** Every wavelet that {@link filterBank} knows, by PyWavelets' names. */
export const waveletNames: readonly string[] = Object.freeze([
  "haar",
  ...Object.keys(SCALING_FILTERS),
  ...Object.keys(SPLINE_ORDERS),
  ...Object.keys(BIORTHOGONAL_FILTERS),
]);

function multiply(a: readonly number[], b: readonly number[]): number[] {
  const product = new Array<number>(a.length + b.length - 1).fill(0);
  a.forEach((u, i) => b.forEach((v, j) => product[i + j] += u * v));
  return product;
}

/** Coefficients of ((1 + z) / 2)^order: dyadic, so exact. */
function binomial(order: number): number[] {
  return Array.from({ length: order }).reduce<number[]>((p) => multiply(p, [0.5, 0.5]), [1]);
}

/**
 * The low-pass pair of the spline wavelets: synthesis is a B-spline, analysis its dual.
 *
 *     recLo(z) = sqrt(2) ((1 + z) / 2)^N
 *     decLo(z) = sqrt(2) ((1 + z) / 2)^M sum_{k < K} C(K - 1 + k, k) ((2 - z - 1/z) / 4)^k
 *
 * with K = (N + M) / 2 (Cohen, Daubechies and Feauveau 1992, section 6.A).
 */
function splinePair(recOrder: number, decOrder: number): [decLo: number[], recLo: number[]] {
  const terms = (recOrder + decOrder) / 2;
  let power = [1]; // ((2 - z - 1/z) / 4)^k, centered
  let weight = 1; // C(terms - 1 + k, k)
  const sum = new Array<number>(2 * terms - 1).fill(0);
  for (let k = 0; k < terms; k++) {
    power.forEach((value, i) => sum[terms - 1 - k + i] += weight * value);
    power = multiply(power, [-0.25, 0.5, -0.25]);
    weight *= (terms + k) / (k + 1);
  }
  const dec = multiply(binomial(decOrder), sum);
  const rec = binomial(recOrder);
  const taps = dec.length + dec.length % 2;
  const place = (filter: number[], at: number) =>
    Array.from({ length: taps }, (_, i) => Math.SQRT2 * (filter[i - at] ?? 0));
  return [
    place(dec, Math.ceil((taps - dec.length) / 2)),
    place(rec, Math.floor((taps - rec.length) / 2)),
  ];
}

function lowPassPair(name: string): readonly [decLo: readonly number[], recLo: readonly number[]] {
  const scaling = SCALING_FILTERS[name === "haar" ? "db1" : name];
  if (scaling !== undefined) return [scaling.toReversed(), scaling];
  const orders = SPLINE_ORDERS[name];
  if (orders !== undefined) return splinePair(...orders);
  const pair = BIORTHOGONAL_FILTERS[name];
  if (pair === undefined) throw unknownName("wavelet", name, waveletNames);
  return pair;
}

const banks = new Map<string, FilterBank>();

/**
 * Looks up a wavelet's filters: the same numbers as `pywt.Wavelet(name).filter_bank`.
 *
 * Only low-pass filters are stored or computed; the high-pass ones follow by the quadrature mirror
 * relations `decHi[i] = (-1)^(i + 1) recLo[i]` and `recHi[i] = (-1)^i decLo[i]`.
 *
 * @param name One of {@link waveletNames}: `haar`, `db1` to `db10`, `sym2` to `sym8`, `coif1` to
 *   `coif3`, `bior1.1` to `bior6.8`.
 * @returns The four filters, frozen.
 * @throws {UserError} If the name is unknown, with the nearest one that is not.
 *
 * @see Mallat 1989, doi:10.1109/34.192463; Daubechies 1988, doi:10.1002/cpa.3160410705
 */
export function filterBank(name: string): FilterBank {
  const known = banks.get(name);
  if (known !== undefined) return known;
  const [decLo, recLo] = lowPassPair(name);
  const bank = Object.freeze({
    name,
    orthonormal: decLo.every((value, i) => value === recLo[recLo.length - 1 - i]),
    taps: decLo.length,
    decLo: Object.freeze([...decLo]),
    decHi: Object.freeze(recLo.map((value, i) => i % 2 === 0 ? -value : value)),
    recLo: Object.freeze([...recLo]),
    recHi: Object.freeze(decLo.map((value, i) => i % 2 === 0 ? value : -value)),
  });
  banks.set(name, bank);
  return bank;
}

/**
 * Packs two filters for the shaders: one vector for every two taps.
 *
 * @param low `[taps]`.
 * @param high `[taps]`.
 * @returns `[taps / 2, 4]`: low[2i], low[2i + 1], high[2i], high[2i + 1].
 */
export function packFilters(
  low: readonly number[],
  high: readonly number[],
): Float32Array<ArrayBuffer> {
  const packed = new Float32Array(2 * low.length);
  for (let i = 0; i < low.length; i += 2) {
    packed.set([low[i], low[i + 1], high[i], high[i + 1]], 2 * i);
  }
  return packed;
}
