import { roundingTo } from "../grids/round.ts";
import { type QuantizedWeight, valueOf, type WeightGrid } from "../quantized_weight.ts";
import type { LayerHessian } from "./hessian.ts";

/** A weight seen as a matrix with one row an output, whatever its shape, and its grids. */
export interface WeightRows {
  /** Outputs. */
  readonly rows: number;
  /** Weights of an output. */
  readonly inputs: number;
  /** Consecutive weights that share a grid. */
  readonly groupSize: number;
  /** Gives the code nearest to a real number for the weight at a place in row-major order. */
  readonly codeOf: (place: number, value: number) => number;
  /** Gives the real number of a code at a place. */
  readonly valueAt: (place: number, code: number) => number;
}

/**
 * Checks that weight, shape and grids fit, and looks at them as rows.
 *
 * @param values The weight, row-major, outputs first.
 * @param shape `[outputs, ...]`.
 * @param grids One a group of consecutive weights.
 * @returns Sizes, and rounding to the nearest by place.
 * @throws {RangeError} If they do not fit, or a weight is not finite.
 */
export function weightRows(
  values: Float32Array,
  shape: readonly number[],
  grids: readonly WeightGrid[],
): WeightRows {
  const groupSize = values.length / grids.length;
  const [rows] = shape;
  const inputs = values.length / rows;
  const divides = Number.isInteger(groupSize) &&
    (inputs % groupSize === 0 || groupSize % inputs === 0);
  if (shape.reduce((a, b) => a * b, 1) !== values.length || values.length === 0 || !divides) {
    throw new RangeError(
      `Cannot quantize ${values.length} weights: they must fit shape [${shape.join(", ")}], and ` +
        `${grids.length} grids must divide or hold its rows`,
    );
  }
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(
      `Cannot quantize a weight: element ${bad} must be finite: it is ${values[bad]}`,
    );
  }
  const rounding = grids.map((grid) => roundingTo(grid, "nearestEven"));
  return {
    rows,
    inputs,
    groupSize,
    codeOf: (place, value) => rounding[Math.floor(place / groupSize)](Math.fround(value)),
    valueAt: (place, code) => valueOf(code, grids[Math.floor(place / groupSize)]),
  };
}

/**
 * Checks that a Hessian belongs to a weight, and tells which of its groups an output sees.
 *
 * @param rows Outputs of the weight.
 * @param inputs Weights of an output.
 * @param hessian Of the layer's inputs.
 * @returns From an output to a group of the Hessian.
 * @throws {RangeError} If the sizes differ.
 */
export function hessianGroupOf(
  { rows, inputs }: Pick<WeightRows, "rows" | "inputs">,
  hessian: LayerHessian,
): (row: number) => number {
  if (hessian.inputs !== inputs || rows % hessian.groups !== 0) {
    throw new RangeError(
      `Cannot quantize by a Hessian of ${hessian.groups} groups of ${hessian.inputs} inputs: the ` +
        `weight must have as many: it has ${rows} rows of ${inputs}`,
    );
  }
  return (row) => Math.floor(row * hessian.groups / rows);
}

/**
 * Puts codes and grids together.
 *
 * @param shape Of the weight.
 * @param grids One a group.
 * @param codes One a weight.
 * @returns The quantized weight.
 */
export function quantizedRows(
  shape: readonly number[],
  grids: readonly WeightGrid[],
  codes: Int32Array<ArrayBuffer>,
): QuantizedWeight {
  return { shape: [...shape], groupSize: codes.length / grids.length, grids: [...grids], codes };
}
