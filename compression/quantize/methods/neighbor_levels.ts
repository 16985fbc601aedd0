import { inverseRectifiedSigmoid, LEAST_FACTOR, rectifiedSigmoid } from "../../../kernels/mod.ts";
import type { AffineGrid } from "../affine.ts";
import { roundingTo } from "../grids/round.ts";
import { type QuantizedWeight, valueOf, type WeightGrid } from "../quantized_weight.ts";
import { weightRows } from "./weight_rows.ts";

/** The two levels of its grid beside every weight. */
export interface Neighbors {
  /** Code of the level below; the one above is `codes + 1`, unless a grid has one level only. */
  readonly codes: Int32Array<ArrayBuffer>;
  /** What the codes stand for. */
  readonly low: Float32Array<ArrayBuffer>;
  /** What the codes above stand for. */
  readonly high: Float32Array<ArrayBuffer>;
  /** Where {@link rectifiedSigmoid} leads to the weight itself, as far as the grid reaches. */
  readonly v: Float32Array<ArrayBuffer>;
}

/** How near to a level a weight may start: beyond, the sigmoid is clamped and nothing would learn. */
const MARGIN = 0.005;

/**
 * Finds the two levels of its grid beside every weight, and where it stands between them.
 *
 * A weight beyond the ends of its grid gets the last two levels, and starts at the outer one.
 *
 * @param values The weight, row-major, outputs first.
 * @param shape `[outputs, ...]`.
 * @param grids One a group of consecutive weights, affine or codebook.
 * @returns Codes, levels, and initial values to learn from.
 * @throws {RangeError} If they do not fit, or a weight is not finite.
 */
export function neighborsOf(
  values: Float32Array,
  shape: readonly number[],
  grids: readonly WeightGrid[],
): Neighbors {
  const { groupSize } = weightRows(values, shape, grids);
  const codes = new Int32Array(values.length);
  const low = new Float32Array(values.length);
  const high = new Float32Array(values.length);
  const v = new Float32Array(values.length);
  grids.forEach((grid, group) => {
    const [first, last] = endsOf(grid);
    const below = roundingTo(grid, "down");
    for (let i = group * groupSize; i < (group + 1) * groupSize; i++) {
      codes[i] = Math.max(Math.min(below(values[i]), last - 1), first);
      low[i] = valueOf(codes[i], grid);
      high[i] = valueOf(Math.min(codes[i] + 1, last), grid);
      const share = high[i] > low[i] ? (values[i] - low[i]) / (high[i] - low[i]) : 0;
      v[i] = inverseRectifiedSigmoid(Math.min(Math.max(share, MARGIN), 1 - MARGIN));
    }
  });
  return { codes, low, high, v };
}

function endsOf(grid: WeightGrid): [number, number] {
  return grid.kind === "affine" ? [grid.qMin, grid.qMax] : [0, grid.levels.length - 1];
}

const { fround } = Math;

/**
 * Scales a grid of equal steps; its integers stay.
 *
 * @param grid The grid.
 * @param factor What all its levels are multiplied by, above 0.
 * @returns The grid with another scale.
 */
export function scaleAffineGrid(grid: AffineGrid, factor: number): AffineGrid {
  const scale = fround(grid.scale * factor);
  return { ...grid, scale, inverseScale: fround(1 / scale) };
}

function scaleGrid(grid: WeightGrid, factor: number): WeightGrid {
  if (grid.kind === "affine") return scaleAffineGrid(grid, factor);
  return { ...grid, levels: grid.levels.map((level) => fround(level * factor)) };
}

/**
 * Ends the learning of roundings: every weight takes the level that it is nearer to, on grids scaled by
 * what their groups learned.
 *
 * @param shape Of the weight, outputs first.
 * @param grids One a group, as they were at first.
 * @param codes Of the levels below.
 * @param v What was learned a weight.
 * @param factors What was learned a group, not below 2^-10; 1 leaves a grid as it was.
 * @param label Name of the weight, for errors.
 * @returns Codes and scaled grids.
 * @throws {RangeError} If a factor is not finite, with the group.
 */
export function hardenRounding(
  shape: readonly number[],
  grids: readonly WeightGrid[],
  codes: Int32Array,
  v: Float32Array,
  factors: Float32Array,
  label: string,
): QuantizedWeight {
  const bad = factors.findIndex((factor) => !Number.isFinite(factor));
  if (bad >= 0) {
    throw new RangeError(
      `Cannot round "${label}": a learned factor must be finite: that of group ${bad} is ` +
        `${factors[bad]}: learn scales more slowly`,
    );
  }
  const groupSize = codes.length / grids.length;
  const ends = grids.map((grid) => endsOf(grid)[1]);
  return {
    shape: [...shape],
    groupSize,
    grids: grids.map((grid, group) => scaleGrid(grid, Math.max(factors[group], LEAST_FACTOR))),
    codes: Int32Array.from(codes, (code, i) => {
      const up = rectifiedSigmoid(v[i]) >= 0.5 ? 1 : 0;
      return Math.min(code + up, ends[Math.floor(i / groupSize)]);
    }),
  };
}
