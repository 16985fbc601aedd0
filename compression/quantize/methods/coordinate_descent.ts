import {
  type CodebookGrid,
  dequantizeWeight,
  type QuantizedWeight,
  type WeightGrid,
} from "../quantized_weight.ts";
import { cholesky, solveCholesky } from "./cholesky.ts";
import { requireFinite } from "../finite.ts";
import type { LayerHessian } from "./hessian.ts";
import { hessianGroupOf, quantizedRows, weightRows } from "./weight_rows.ts";

/** How a quantized weight is refined. */
export interface CoordinateDescentOptions {
  /** Times that all weights are visited at most; 20 if left out. */
  readonly sweeps?: number;
  /** Share by which a sweep must lower the error of a row for another to follow; 0.001 if left out. */
  readonly tolerance?: number;
  /** Whether free levels of codebooks are fitted anew before each sweep; true if left out. */
  readonly refit?: boolean;
}

/** Least share of the diagonal that keeps the fit of levels solvable. */
const RIDGE = 1e-9;

/**
 * Refines the codes of a quantized weight one at a time, and between sweeps the levels of its
 * codebooks, as long as the output error on calibration data falls.
 *
 *     q_j := quant(q_j + [(w - q) H]_j / H_jj),    levels := argmin (w - q) H (w - q)^T
 *
 * Each step is the exact minimum over one code, or over all levels of a row, so the error never grows.
 * GPTQ visits every weight once; at 1 and 2 bits it pays to go on from its result. Affine grids are
 * kept, and so are codebooks that several rows share, and those whose levels follow from fewer numbers:
 * powers of two, ternary and binary ones stay what they are.
 *
 * @param weight w, row-major, outputs first: what the codes should stand for.
 * @param start Codes and grids to begin with, such as GPTQ's.
 * @param hessian Of the layer's inputs on calibration data.
 * @param options Sweeps, and whether levels are fitted.
 * @returns Codes, on the grids of `start` or on levels fitted anew.
 * @throws {RangeError} If the sizes do not fit, a number is not finite, or an option out of range.
 * @see Behdin et al. 2023 (QuantEase), arXiv:2309.01885; levels fitted by H: van Baalen et al. 2024
 *   (GPTVQ), arXiv:2402.15319
 */
export function coordinateDescent(
  weight: Float32Array,
  start: QuantizedWeight,
  hessian: LayerHessian,
  { sweeps = 20, tolerance = 1e-3, refit = true }: CoordinateDescentOptions = {},
): QuantizedWeight {
  if (!Number.isInteger(sweeps) || sweeps < 0 || !(tolerance >= 0 && tolerance < 1)) {
    throw new RangeError(
      "Cannot refine codes: sweeps must be a whole number of at least 0, and the tolerance from 0 to " +
        `below 1: they are ${sweeps} and ${tolerance}`,
    );
  }
  const grids = [...start.grids];
  const { rows, inputs, groupSize } = weightRows(weight, start.shape, grids);
  const groupOf = hessianGroupOf({ rows, inputs }, hessian);
  requireFinite("refine codes", "the Hessian", hessian.values);
  const values = dequantizeWeight(start);
  requireFinite("refine codes", "the levels it starts from", values);
  const codes = start.codes.slice();
  const gridsARow = Math.max(1, inputs / groupSize);
  for (let row = 0; row < rows; row++) {
    const first = row * inputs;
    const square = groupOf(row) * inputs * inputs;
    const state: Row = {
      h: hessian.values.subarray(square, square + inputs * inputs),
      w: weight.subarray(first, first + inputs),
      q: values.subarray(first, first + inputs),
      codes: codes.subarray(first, first + inputs),
      groupSize: Math.min(groupSize, inputs),
    };
    const firstGrid = Math.floor(first / groupSize);
    let before = Infinity;
    for (let sweep = 0; sweep < sweeps; sweep++) {
      let own: readonly WeightGrid[] = grids.slice(firstGrid, firstGrid + gridsARow);
      if (refit && groupSize <= inputs) {
        own = fitLevels(state, own);
        grids.splice(firstGrid, gridsARow, ...own);
      }
      const after = visitAll(state, own);
      if (!(after < (1 - tolerance) * before)) break;
      before = after;
    }
  }
  return quantizedRows(start.shape, grids, codes);
}

/** One output: its Hessian, wanted weights, and codes with what they stand for. */
interface Row {
  readonly h: Float64Array;
  readonly w: Float32Array;
  readonly q: Float32Array;
  readonly codes: Int32Array;
  /** Consecutive weights of the row that share a grid. */
  readonly groupSize: number;
}

/** (w - q) H: how the error falls as each weight grows, but for a factor. */
function descentOf({ h, w, q }: Row): Float64Array<ArrayBuffer> {
  const size = w.length;
  const descent = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const error = w[i] - q[i];
    if (error === 0) continue;
    for (let j = 0; j < size; j++) descent[j] += error * h[i * size + j];
  }
  return descent;
}

/** True where every level may be any number, as those of Lloyd-Max: others keep what they are made of. */
function isFree(grid: WeightGrid): grid is CodebookGrid {
  return grid.kind === "codebook" && grid.numbers === undefined;
}

/** Numbers the levels of a row's codebooks that are in use; -1 for weights on other grids. */
function levelsInUse({ codes, groupSize }: Row, grids: readonly WeightGrid[]) {
  const numbers = new Map<string, number>();
  const places: { group: number; code: number }[] = [];
  const ofWeight = Int32Array.from(codes, (code, i) => {
    const group = Math.floor(i / groupSize);
    if (!isFree(grids[group])) return -1;
    const key = `${group} ${code}`;
    if (!numbers.has(key)) numbers.set(key, places.push({ group, code }) - 1);
    return numbers.get(key)!;
  });
  return { places, ofWeight };
}

/**
 * The levels that minimize (w - q) H (w - q)^T with the codes as they are: a linear system with one
 * unknown a level in use. Puts them in ascending order, and codes and weights along with them.
 */
function fitLevels(row: Row, grids: readonly WeightGrid[]): readonly WeightGrid[] {
  const { h, q, codes, groupSize } = row;
  const size = q.length;
  const { places, ofWeight } = levelsInUse(row, grids);
  const count = places.length;
  if (count === 0) return grids;
  const matrix = new Float64Array(count * count);
  const right = new Float64Array(count);
  // level by level, so that a sum need not be stored for every weight; in the order of weights all the same
  const members = places.map((_, k) =>
    Int32Array.from(ofWeight.keys().filter((i) => ofWeight[i] === k))
  );
  descentOf(row).forEach((value, i) => {
    const k = ofWeight[i];
    if (k < 0) return;
    right[k] += value;
    const from = i * size;
    members.forEach((own, level) => {
      let sum = matrix[k * count + level];
      for (let m = 0; m < own.length; m++) sum += h[from + own[m]];
      matrix[k * count + level] = sum;
    });
  });
  let trace = 0;
  for (let k = 0; k < count; k++) trace += matrix[k * count + k];
  for (let k = 0; k < count; k++) matrix[k * count + k] += RIDGE * trace;
  const lower = cholesky(matrix, count);
  if (lower === undefined) return grids;
  const move = solveCholesky(lower, count, right);
  const fitted = grids.map((grid, group) => {
    if (!isFree(grid)) return grid;
    const moved = grid.levels.slice();
    places.forEach((place, k) => {
      if (place.group === group) moved[place.code] += move[k];
    });
    return ascending(moved);
  });
  for (let i = 0; i < size; i++) {
    const grid = fitted[Math.floor(i / groupSize)];
    if (!("rank" in grid)) continue;
    codes[i] = grid.rank[codes[i]];
    q[i] = grid.levels[codes[i]];
  }
  return fitted.map((grid) => "rank" in grid ? { kind: "codebook", levels: grid.levels } : grid);
}

/** Levels in ascending order, and which place each got. */
function ascending(levels: Float32Array<ArrayBuffer>) {
  const order = Int32Array.from(levels, (_, i) => i).sort((a, b) => levels[a] - levels[b]);
  const rank = new Int32Array(levels.length);
  order.forEach((code, place) => rank[code] = place);
  return { rank, levels: Float32Array.from(order, (code) => levels[code]) };
}

/** One sweep; gives the error (w - q) H (w - q)^T that is left. */
function visitAll(row: Row, grids: readonly WeightGrid[]): number {
  const { h, w, q, codes } = row;
  const size = q.length;
  const { codeOf, valueAt } = weightRows(q, [1, size], grids);
  const descent = descentOf(row);
  for (let j = 0; j < size; j++) {
    const curvature = h[j * size + j];
    if (!(curvature > 0)) continue;
    const code = codeOf(j, q[j] + descent[j] / curvature);
    if (code === codes[j]) continue;
    const value = valueAt(j, code);
    const move = value - q[j];
    for (let k = 0; k < size; k++) descent[k] -= move * h[j * size + k];
    codes[j] = code;
    q[j] = value;
  }
  return descent.reduce((error, value, i) => error + (w[i] - q[i]) * value, 0);
}
