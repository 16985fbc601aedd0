import { rangesOf } from "../affine.ts";
import { affineGrid } from "../grids/affine_grid.ts";
import { requireFinite } from "../finite.ts";
import { chooseWeightGrids, groupsToChooseFor } from "../grids/choose.ts";
import type { WeightGridOptions } from "../grids/options.ts";
import { lloydMaxGrid } from "../grids/lloyd_max.ts";
import { leastSquaresRange } from "../observers/mean_squared_error.ts";
import { ofLabel } from "../of_label.ts";
import type { WeightGrid } from "../quantized_weight.ts";
import type { LayerHessian } from "./hessian.ts";
import { hessianGroupOf } from "./weight_rows.ts";

/** Share of the mean diagonal that every weight counts at least, so that unseen ones are not lost. */
const FLOOR = 1e-3;

/** Diagonal of the Hessian for every weight, row-major. */
function importanceOf(
  shape: readonly number[],
  hessian: LayerHessian,
  label: string | undefined,
): Float64Array<ArrayBuffer> {
  const { inputs, groups, values } = hessian;
  const [rows] = shape;
  const size = shape.reduce((a, b) => a * b, 1);
  const groupOf = hessianGroupOf({ rows, inputs: size / rows }, hessian);
  const diagonal = Float64Array.from(
    { length: groups * inputs },
    (_, a) => Math.max(values[a * inputs + a % inputs], 0),
  );
  requireFinite(`weigh the values${ofLabel(label)}`, "the diagonal of the Hessian", diagonal);
  const floor = FLOOR * diagonal.reduce((a, b) => a + b, 0) / diagonal.length || 1;
  return Float64Array.from(
    { length: size },
    (_, at) => diagonal[groupOf(Math.floor(at / inputs)) * inputs + at % inputs] + floor,
  );
}

/**
 * Chooses the grids of a weight so that the weights count as much as calibration says they do: with the
 * diagonal of the Hessian, the squared error of the output as it would be if inputs did not depend on
 * each other.
 *
 *     min sum_j H_jj (w_j - q_j)^2     over levels (`lloydMax`), or over ranges (`meanSquaredError`)
 *
 * Other kinds of grids and observers are chosen as without calibration.
 *
 * @param weight Row-major, outputs first.
 * @param shape `[outputs, ...]`.
 * @param hessian Of the layer's inputs; its diagonal is raised by 0.001 of its mean.
 * @param options Kind of grid, granularity, observer and the weight's name.
 * @returns One grid a group of consecutive weights.
 * @throws {RangeError} If the sizes do not fit, a grid does not exist, or the diagonal is not finite.
 * @see Kim et al. 2023 (SqueezeLLM), arXiv:2306.07629, section 4.1
 */
export function chooseWeightedGrids(
  weight: Float32Array,
  shape: readonly number[],
  hessian: LayerHessian,
  options: WeightGridOptions,
): WeightGrid[] {
  const { grid, observer, label } = options;
  const isRanged = grid.kind === "affine" && observer?.kind === "meanSquaredError";
  if (grid.kind !== "lloydMax" && !isRanged) return chooseWeightGrids(weight, shape, options);
  const groups = groupsToChooseFor(weight, shape, options);
  const importance = importanceOf(shape, hessian, label);
  return groups.map((values, i) => {
    const counts = importance.subarray(i * values.length, (i + 1) * values.length);
    if (grid.kind === "lloydMax") return lloydMaxGrid(values, grid.bits, counts);
    const gridOf = (range: { low: number; high: number }) => affineGrid(range, grid, label);
    return gridOf(
      leastSquaresRange({ values, counts }, rangesOf(values, 1, label)[0], gridOf, label),
    );
  });
}
