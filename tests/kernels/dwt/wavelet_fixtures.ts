import type { BoundaryMode } from "../../../kernels/dwt/reference.ts";
import type { Pyramid } from "../../../kernels/dwt/reference_2d.ts";
import fixtures from "../../fixtures/wavelets/wavelets.jsonl" with { type: "text" };

/** One band of PyWavelets, thinned. */
interface FixtureBand {
  readonly shape: readonly number[];
  readonly sum: number;
  readonly every7th: readonly number[];
}

/** One call of `pywt.wavedec2`. */
interface FixtureTransform {
  readonly wavelet: string;
  readonly mode: BoundaryMode;
  readonly height: number;
  readonly width: number;
  readonly levels: number;
  readonly bands: readonly FixtureBand[];
}

/** The four filters of one wavelet. */
type FixtureFilters = Readonly<Record<"decLo" | "decHi" | "recLo" | "recHi", readonly number[]>>;

const [first, ...others] = fixtures.trimEnd().split("\n").map((line) => JSON.parse(line));

/** What PyWavelets gave: one record a line, written by `tests/fixtures/wavelets/make_fixtures.py`. */
export const waveletFixtures: {
  readonly filters: Readonly<Record<string, FixtureFilters>>;
  readonly transforms: readonly FixtureTransform[];
} = { filters: first.filters, transforms: others };

/**
 * Makes the image that the fixtures were made from: multiples of 1/8, exact in float32.
 *
 * @param height Rows.
 * @param width Columns.
 * @returns `[height, width]`.
 */
export function fixtureImage(height: number, width: number): Float64Array {
  return Float64Array.from({ length: height * width }, (_, index) => {
    const i = Math.floor(index / width);
    const j = index % width;
    return ((i * 37 + j * 101 + i * j * 13) % 64 - 31) / 8;
  });
}

/**
 * Lists the bands of a transform in the order of the fixtures.
 *
 * @param pyramid The transform.
 * @returns Approximation, then horizontal, vertical, diagonal of every level, coarsest first.
 */
export function bandsOf<T>({ approximation, details }: Pyramid<T>): T[] {
  return [
    approximation,
    ...details.flatMap(({ horizontal, vertical, diagonal }) => [horizontal, vertical, diagonal]),
  ];
}

/**
 * Thins a band as the fixtures are thinned.
 *
 * @param band Coefficients.
 * @returns Every seventh.
 */
export function everySeventh(band: ArrayLike<number>): number[] {
  return Array.from(band).filter((_, i) => i % 7 === 0);
}
