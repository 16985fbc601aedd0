import assert from "node:assert/strict";
import {
  chooseWeightGrids,
  coordinateDescent,
  dequantizeWeight,
  gptq,
  type LayerHessian,
  type QuantizedWeight,
  roundToGrids,
  type WeightGrid,
  type WeightGridOptions,
} from "../../../../compression/mod.ts";
import { correlatedInputs, hessianOf, normals, outputError } from "./random_hessian.ts";

const shape = [5, 24];
const [rows, inputs] = shape;
const granularity = { group: 12 };
const affine: WeightGridOptions = { grid: { kind: "affine", bits: 2 }, granularity };
const oneBit: WeightGridOptions = { grid: { kind: "binary" }, granularity };
const twoBits: WeightGridOptions = {
  grid: { kind: "lloydMax", bits: 2 },
  granularity: "channel",
};

function start(weight: Float32Array, options: WeightGridOptions): QuantizedWeight {
  const grids = chooseWeightGrids(weight, shape, options);
  return roundToGrids(weight, shape, options === oneBit ? grids.map(freed) : grids);
}

/** Two levels that need not be one magnitude. */
function freed(grid: WeightGrid): WeightGrid {
  assert.ok(grid.kind === "codebook");
  return { kind: "codebook", levels: grid.levels };
}

function errorOf(weight: Float32Array, quantized: QuantizedWeight, hessian: LayerHessian): number {
  return outputError(weight, dequantizeWeight(quantized), hessian);
}

Deno.test("coordinateDescent() lowers the output error sweep by sweep, and ends below GPTQ", () => {
  for (const options of [affine, oneBit, twoBits]) {
    for (let seed = 1; seed <= 5; seed++) {
      const weight = normals(rows * inputs, seed);
      const hessian = hessianOf(correlatedInputs(200, inputs, seed), inputs);
      const first = gptq(weight, shape, start(weight, options).grids, hessian).quantized;
      let error = errorOf(weight, first, hessian);
      for (const sweeps of [1, 2, 5, 20]) {
        const found = errorOf(
          weight,
          coordinateDescent(weight, first, hessian, { sweeps, tolerance: 0 }),
          hessian,
        );
        assert.ok(
          found <= error * (1 + 1e-6),
          `${options.grid.kind} ${seed}: ${found} after ${error}`,
        );
        error = found;
      }
      // levels of an affine grid are not fitted, and GPTQ often ends where no single code helps
      const begun = errorOf(weight, first, hessian);
      assert.ok(options === affine || error < begun, `${options.grid.kind} ${seed}`);
    }
  }
});

Deno.test("coordinateDescent() ends where no single code would lower the error", () => {
  const weight = normals(rows * inputs, 3);
  const hessian = hessianOf(correlatedInputs(200, inputs, 3), inputs);
  const found = coordinateDescent(weight, start(weight, affine), hessian, {
    sweeps: 100,
    tolerance: 0,
  });
  const least = errorOf(weight, found, hessian);
  found.codes.forEach((code, i) => {
    for (const other of [code - 1, code + 1].filter((c) => c >= 0 && c <= 3)) {
      const changed = { ...found, codes: found.codes.with(i, other) };
      assert.ok(errorOf(weight, changed, hessian) >= least - 1e-6);
    }
  });
});

Deno.test("coordinateDescent() fits levels that no other levels beat", () => {
  const weight = normals(rows * inputs, 4);
  const hessian = hessianOf(correlatedInputs(200, inputs, 4), inputs);
  const found = coordinateDescent(weight, start(weight, twoBits), hessian, {
    sweeps: 100,
    tolerance: 0,
  });
  const least = errorOf(weight, found, hessian);
  for (const [g, grid] of found.grids.entries()) {
    assert.ok(grid.kind === "codebook");
    assert.deepEqual(grid.levels, grid.levels.toSorted());
    for (const factor of [0.99, 1.01]) {
      const grids = found.grids.with(g, { ...grid, levels: grid.levels.map((v) => v * factor) });
      assert.ok(errorOf(weight, { ...found, grids }, hessian) > least);
    }
  }
});

Deno.test("coordinateDescent() keeps levels if asked to, and levels that rows share", () => {
  const weight = normals(rows * inputs, 5);
  const hessian = hessianOf(correlatedInputs(200, inputs, 5), inputs);
  const own = start(weight, oneBit);
  assert.deepEqual(coordinateDescent(weight, own, hessian, { refit: false }).grids, own.grids);
  const grids = chooseWeightGrids(weight, shape, { ...oneBit, granularity: "tensor" });
  const shared = roundToGrids(weight, shape, grids);
  const found = coordinateDescent(weight, shared, hessian);
  assert.deepEqual(found.grids, shared.grids);
  assert.ok(errorOf(weight, found, hessian) < errorOf(weight, shared, hessian));
});

Deno.test("coordinateDescent() leaves powers of two, ternary and binary grids what they are", () => {
  const weight = normals(rows * inputs, 7);
  const hessian = hessianOf(correlatedInputs(200, inputs, 7), inputs);
  const kinds: WeightGridOptions[] = [
    { grid: { kind: "powersOfTwo", bits: 3 }, granularity: "channel" },
    { grid: { kind: "ternary" }, granularity: "channel" },
    { grid: { kind: "binary" }, granularity: "channel" },
  ];
  for (const options of kinds) {
    const { grid } = options;
    const grids = chooseWeightGrids(weight, shape, options);
    const first = roundToGrids(weight, shape, grids);
    const found = coordinateDescent(weight, first, hessian);
    assert.deepEqual(found.grids, grids, grid.kind);
    assert.ok(errorOf(weight, found, hessian) < errorOf(weight, first, hessian), grid.kind);
  }
});

Deno.test("coordinateDescent() leaves alone what it is given, and weights nothing is known of", () => {
  const weight = normals(rows * inputs, 6);
  const x = correlatedInputs(200, inputs, 6).map((v, i) => i % inputs === 7 ? 0 : v);
  const first = start(weight, affine);
  const before = first.codes.slice();
  const found = coordinateDescent(weight, first, hessianOf(x, inputs));
  assert.deepEqual(first.codes, before);
  for (let row = 0; row < rows; row++) {
    assert.equal(found.codes[row * inputs + 7], before[row * inputs + 7]);
  }
});

Deno.test("coordinateDescent() refuses numbers that are not finite, and options out of range", () => {
  const weight = normals(rows * inputs, 6);
  const hessian = hessianOf(correlatedInputs(200, inputs, 6), inputs);
  const begun = start(weight, twoBits);
  assert.throws(
    () => coordinateDescent(weight.with(8, NaN), begun, hessian),
    new RangeError("Cannot quantize a weight: element 8 must be finite: it is NaN"),
  );
  const broken = { ...hessian, values: hessian.values.with(3, NaN) };
  assert.throws(
    () => coordinateDescent(weight, begun, broken),
    new RangeError("Cannot refine codes: the Hessian must be finite: element 3 is NaN"),
  );
  const endless = begun.grids.map(() => ({
    kind: "codebook" as const,
    levels: new Float32Array([-1, 0, 1, Infinity]),
  }));
  assert.throws(
    () =>
      coordinateDescent(
        weight,
        { ...begun, codes: begun.codes.map(() => 3), grids: endless },
        hessian,
      ),
    new RangeError(
      "Cannot refine codes: the levels it starts from must be finite: element 0 is Infinity",
    ),
  );
  for (const options of [{ sweeps: NaN }, { sweeps: -1 }, { tolerance: NaN }, { tolerance: 1 }]) {
    assert.throws(
      () => coordinateDescent(weight, begun, hessian, options),
      /^RangeError: Cannot refine codes: sweeps must be a whole number of at least 0, and the tol/,
    );
  }
});
