import assert from "node:assert/strict";
import type { Rounding } from "../../../../autograd/mod.ts";
import {
  affineGrid,
  type CodebookGrid,
  dequantizeWeight,
  roundingTo,
  roundToGrids,
} from "../../../../compression/mod.ts";
import fc from "../../../support/fast_check.ts";

const codebook: CodebookGrid = { kind: "codebook", levels: new Float32Array([-1, 0, 0.5, 2]) };

Deno.test("roundingTo() rounds to an affine grid to even, toward zero or down", () => {
  const grid = affineGrid({ low: -4, high: 3 }, { kind: "affine", bits: 3, symmetric: true });
  const values = [-9, -1.5, -0.5, 0.5, 1.5, 2.9, 9];
  const codesOf = (rounding: Rounding) =>
    values.map(roundingTo(grid, rounding)).map((code) => code + 0);
  assert.deepEqual(codesOf("nearestEven"), [-4, -2, 0, 0, 2, 3, 3]);
  assert.deepEqual(codesOf("towardZero"), [-4, -1, 0, 0, 1, 2, 3]);
  assert.deepEqual(codesOf("down"), [-4, -2, -1, 0, 1, 2, 3]);
  const around = [-1, -0.99, 0.51, 0.99, 1, 1.6].map(roundingTo(grid, "deadZone"));
  assert.deepEqual(around.map((code) => code + 0), [-1, 0, 0, 0, 1, 2]);
});

Deno.test("roundingTo() rounds to a codebook to the nearest level, toward zero or down", () => {
  const values = [-3, -1, -0.6, -0.5, -0.1, 0, 0.25, 0.4, 1.2, 1.25, 2, 7];
  const levelsOf = (rounding: Rounding) =>
    values.map(roundingTo(codebook, rounding)).map((code) => codebook.levels[code]);
  assert.deepEqual(levelsOf("nearestEven"), [-1, -1, -1, 0, 0, 0, 0.5, 0.5, 0.5, 2, 2, 2]);
  assert.deepEqual(levelsOf("towardZero"), [-1, -1, 0, 0, 0, 0, 0, 0, 0.5, 0.5, 2, 2]);
  assert.deepEqual(levelsOf("down"), [-1, -1, -1, -1, -1, 0, 0, 0, 0.5, 0.5, 2, 2]);
  assert.deepEqual(levelsOf("deadZone"), [-1, -1, 0, 0, 0, 0, 0, 0, 0.5, 2, 2, 2]);
});

Deno.test("roundingTo() refuses a dead zone around a level that is not there", () => {
  const grid: CodebookGrid = { kind: "codebook", levels: new Float32Array([-1, 1]) };
  assert.throws(
    () => roundingTo(grid, "deadZone"),
    new RangeError("Cannot round with a dead zone: the levels must include 0: they are -1, 1"),
  );
});

Deno.test("roundingTo() refuses to round toward a level 0 that is not there: signs would change", () => {
  const grid: CodebookGrid = { kind: "codebook", levels: new Float32Array([-1, 1]) };
  assert.throws(
    () => roundingTo(grid, "towardZero"),
    new RangeError("Cannot round toward zero: the levels must include 0: they are -1, 1"),
  );
});

Deno.test("roundingTo() toward zero never changes a sign, nor makes a magnitude larger", () => {
  const finite = { noNaN: true, min: -8, max: 8 };
  fc.assert(
    fc.property(fc.array(fc.float(finite), { maxLength: 9 }), fc.float(finite), (list, x) => {
      const levels = new Float32Array([...new Set([...list, 0].map((one) => one + 0))]).sort();
      const y = levels[roundingTo({ kind: "codebook", levels }, "towardZero")(x)];
      assert.ok(y * x >= 0 && Math.abs(y) <= Math.abs(x), `${x} became ${y} of ${levels}`);
    }),
  );
});

Deno.test("roundToGrids() rounds stochastically to a neighbor on the grid, without bias", () => {
  const size = 20_000;
  const affine = affineGrid({ low: -4, high: 3 }, { kind: "affine", bits: 3, symmetric: true });
  for (const [grid, x, low, high] of [[affine, 1.3, 1, 2], [codebook, 1.25, 0.5, 2]] as const) {
    const values = new Float32Array(size).fill(x);
    const rounding = { kind: "stochastic", seed: 1, stream: 2, step: 3 } as const;
    const found = dequantizeWeight(roundToGrids(values, [size], [grid], rounding));
    assert.ok(found.every((value) => value === low || value === high));
    const mean = found.reduce((sum, value) => sum + value, 0) / size;
    // four standard errors of a number between two neighbors
    const share = (x - low) / (high - low);
    const error = (high - low) * Math.sqrt(share * (1 - share) / size);
    assert.ok(Math.abs(mean - x) < 4 * error, `${mean} for ${x}`);
    const later = roundToGrids(values, [size], [grid], { ...rounding, step: 4 });
    assert.notDeepEqual(later.codes, roundToGrids(values, [size], [grid], rounding).codes);
  }
});

Deno.test("roundToGrids() keeps what is on the grid, whatever the rounding", () => {
  const values = codebook.levels;
  for (
    const rounding of [
      "nearestEven",
      "towardZero",
      "down",
      "deadZone",
      { kind: "stochastic", seed: 5, stream: 0, step: 0 },
    ] as const
  ) {
    assert.deepEqual([...roundToGrids(values, [4], [codebook], rounding).codes], [0, 1, 2, 3]);
  }
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
