import assert from "node:assert/strict";
import {
  affineGrid,
  type CodebookGrid,
  dequantizeWeight,
  roundingTo,
  roundToGrids,
} from "../../../../compression/mod.ts";

const codebook: CodebookGrid = { kind: "codebook", levels: new Float32Array([-1, 0, 0.5, 2]) };

Deno.test("roundingTo() rounds to an affine grid to even, toward zero or down", () => {
  const grid = affineGrid({ low: -4, high: 3 }, { kind: "affine", bits: 3, symmetric: true });
  const values = [-9, -1.5, -0.5, 0.5, 1.5, 2.9, 9];
  const codesOf = (rounding: "nearestEven" | "towardZero" | "down") =>
    values.map(roundingTo(grid, rounding)).map((code) => code + 0);
  assert.deepEqual(codesOf("nearestEven"), [-4, -2, 0, 0, 2, 3, 3]);
  assert.deepEqual(codesOf("towardZero"), [-4, -1, 0, 0, 1, 2, 3]);
  assert.deepEqual(codesOf("down"), [-4, -2, -1, 0, 1, 2, 3]);
});

Deno.test("roundingTo() rounds to a codebook to the nearest level, toward zero or down", () => {
  const values = [-3, -1, -0.6, -0.5, -0.1, 0, 0.25, 0.4, 1.2, 1.25, 2, 7];
  const levelsOf = (rounding: "nearestEven" | "towardZero" | "down") =>
    values.map(roundingTo(codebook, rounding)).map((code) => codebook.levels[code]);
  assert.deepEqual(levelsOf("nearestEven"), [-1, -1, -1, 0, 0, 0, 0.5, 0.5, 0.5, 2, 2, 2]);
  assert.deepEqual(levelsOf("towardZero"), [-1, -1, 0, 0, 0, 0, 0, 0, 0.5, 0.5, 2, 2]);
  assert.deepEqual(levelsOf("down"), [-1, -1, -1, -1, -1, 0, 0, 0, 0.5, 0.5, 2, 2]);
});

Deno.test("roundToGrids() rounds every group to its own grid", () => {
  const fine = affineGrid({ low: 0, high: 3 }, { kind: "affine", bits: 2 });
  const rounded = roundToGrids(new Float32Array([1.2, 2.6, 1.2, -0.8]), [1, 4], [fine, codebook]);
  assert.equal(rounded.groupSize, 2);
  assert.deepEqual([...dequantizeWeight(rounded)], [1, 3, 0.5, -1]);
});

Deno.test("roundToGrids() refuses grids that do not fit, and NaN", () => {
  assert.throws(
    () => roundToGrids(new Float32Array(3), [3], [codebook, codebook]),
    new RangeError(
      "Cannot round 3 weights to 2 grids: they must fit shape [3] and fall into equal groups",
    ),
  );
  assert.throws(
    () => roundToGrids(new Float32Array([0, NaN]), [2], [codebook]),
    new RangeError("Cannot round to a grid: value 1 must be a number: it is NaN"),
  );
});
