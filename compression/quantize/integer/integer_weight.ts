import type { QuantizedWeight, WeightGrid } from "../quantized_weight.ts";
import { withIntegers } from "./with_integers.ts";

/** A weight as an integer runtime holds it: real = (code - zeroPoint) * scale. */
export interface IntegerWeight {
  /** `[outputs, inputs]`, or `[outputs, inputs / groups, height, width]`. */
  readonly shape: readonly number[];
  /** One a weight, row-major. */
  readonly codes: Int32Array<ArrayBuffer>;
  /** `[outputs]`: the code that stands for 0. */
  readonly zeroPoints: Int32Array<ArrayBuffer>;
  /** `[outputs]`: float32 numbers. */
  readonly scales: Float32Array<ArrayBuffer>;
}

/** Largest int32. */
const MOST = 2 ** 31 - 1;

/** How the codes of one grid become integers at equal distances. */
interface Steps {
  readonly zeroPoint: number;
  readonly scale: number;
  readonly integerOf: (code: number) => number;
}

/** Levels that are whole multiples of the smallest magnitude among them: ternary, binary, powers of two. */
function stepsOf(grid: WeightGrid, output: number, layer: string | undefined): Steps {
  if (grid.kind === "affine") {
    return { zeroPoint: grid.zeroPoint, scale: grid.scale, integerOf: (code) => code };
  }
  const magnitudes = grid.levels.map(Math.abs).filter((magnitude) => magnitude > 0);
  const scale = magnitudes.length === 0 ? 1 : magnitudes.reduce((a, b) => Math.min(a, b));
  const multiples = Array.from(grid.levels, (level) => level / scale);
  const odd = multiples.findIndex((multiple) => !Number.isInteger(multiple));
  if (odd >= 0) {
    throw new RangeError(
      `Cannot ${
        withIntegers(layer)
      }: the levels of output ${output} must be whole multiples of the ` +
        `smallest, ${scale}: one is ${grid.levels[odd]}`,
    );
  }
  const far = multiples.findIndex((multiple) => Math.abs(multiple) > MOST);
  if (far >= 0) {
    throw new RangeError(
      `Cannot ${withIntegers(layer)}: levels must be at most 2^31 - 1 times the smallest: one of ` +
        `output ${output} is ${multiples[far]} times ${scale}`,
    );
  }
  return { zeroPoint: 0, scale, integerOf: (code) => multiples[code] };
}

/**
 * Gives a quantized weight as codes, zero points and scales, one zero point and one scale an output.
 *
 * Listed levels that are whole multiples of the smallest, such as ternary and binary ones and powers of
 * two, become those multiples, as far as they fit an int32; others have no integer arithmetic.
 *
 * @param weight Codes and grids, one a tensor or an output.
 * @param layer Whose weight it is, for errors.
 * @returns The same numbers.
 * @throws {RangeError} If several grids share an output (their sums have no common scale), or levels are
 *   not multiples of one step, or more than 2^31 - 1 of them.
 */
export function integerWeight(weight: QuantizedWeight, layer?: string): IntegerWeight {
  const { shape, groupSize, grids, codes } = weight;
  const [outputs] = shape;
  const row = codes.length / outputs;
  if (groupSize % row !== 0) {
    throw new RangeError(
      `Cannot ${withIntegers(layer)}: all weights of an output must share a grid: there are ` +
        `${row / groupSize} groups of ${groupSize} in an output`,
    );
  }
  const steps = grids.map((grid, i) => stepsOf(grid, i * groupSize / row, layer));
  const stepsAt = (output: number) => steps[Math.floor(output * row / groupSize)];
  return {
    shape: [...shape],
    codes: codes.map((code, i) => stepsAt(Math.floor(i / row)).integerOf(code)),
    zeroPoints: Int32Array.from({ length: outputs }, (_, o) => stepsAt(o).zeroPoint),
    scales: Float32Array.from({ length: outputs }, (_, o) => stepsAt(o).scale),
  };
}
