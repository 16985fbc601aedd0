import assert from "node:assert/strict";
import {
  chooseWeightGrids,
  dequantizeWeight,
  roundToGrids,
  type WeightGrid,
} from "../../../../compression/mod.ts";
import {
  hardenRounding,
  neighborsOf,
  scaleAffineGrid,
} from "../../../../compression/quantize/methods/neighbor_levels.ts";
import { rectifiedSigmoid } from "../../../../kernels/mod.ts";
import fc from "../../../support/fast_check.ts";
import { normals } from "./random_hessian.ts";

const shape = [4, 6];
const seeds = fc.integer({ min: 1, max: 2 ** 20 });
const ones = new Float32Array(4).fill(1);

function gridsOf(weight: Float32Array): WeightGrid[][] {
  const options = { granularity: "channel" } as const;
  return [
    chooseWeightGrids(weight, shape, { ...options, grid: { kind: "affine", bits: 2 } }),
    chooseWeightGrids(weight, shape, {
      ...options,
      grid: { kind: "affine", bits: 4, symmetric: true },
      observer: { kind: "meanSquaredError" },
    }),
    chooseWeightGrids(weight, shape, { ...options, grid: { kind: "lloydMax", bits: 3 } }),
    chooseWeightGrids(weight, shape, { ...options, grid: { kind: "ternary" } }),
    chooseWeightGrids(weight, shape, { ...options, grid: { kind: "binary" } }),
  ];
}

Deno.test("neighborsOf() finds levels on both sides, and starts at the weight itself", () => {
  fc.assert(fc.property(seeds, (seed) => {
    const weight = normals(24, seed);
    for (const grids of gridsOf(weight)) {
      const { low, high, v } = neighborsOf(weight, shape, grids);
      weight.forEach((value, i) => {
        assert.ok(low[i] < high[i]);
        const soft = low[i] + rectifiedSigmoid(v[i]) * (high[i] - low[i]);
        const nearest = Math.min(Math.max(value, low[i]), high[i]);
        assert.ok(Math.abs(soft - nearest) <= 0.0051 * (high[i] - low[i]), `${soft} for ${value}`);
      });
    }
  }));
});

Deno.test("hardenRounding() of what was not learned is rounding to nearest", () => {
  fc.assert(fc.property(seeds, (seed) => {
    const weight = normals(24, seed);
    for (const grids of gridsOf(weight)) {
      const { codes, v } = neighborsOf(weight, shape, grids);
      const found = hardenRounding(shape, grids, codes, v, ones, "w");
      assert.deepEqual(found, roundToGrids(weight, shape, grids, "nearestEven"));
    }
  }));
});

Deno.test("hardenRounding() scales the grid of every group, and stays on it", () => {
  const weight = normals(24, 3);
  const factors = new Float32Array([0.5, 1, 2, 0.25]);
  for (const grids of gridsOf(weight)) {
    const { codes, v } = neighborsOf(weight, shape, grids);
    const plain = dequantizeWeight(hardenRounding(shape, grids, codes, v, ones, "w"));
    const scaled = dequantizeWeight(hardenRounding(shape, grids, codes, v, factors, "w"));
    assert.deepEqual(scaled, plain.map((value, i) => value * factors[Math.floor(i / 6)]));
  }
});

Deno.test("neighborsOf() leaves a grid of one level where it is", () => {
  const grids: WeightGrid[] = [{ kind: "codebook", levels: new Float32Array([0]) }];
  const { codes, low, high, v } = neighborsOf(new Float32Array([0, 0]), [1, 2], grids);
  assert.deepEqual([...low, ...high], [0, 0, 0, 0]);
  const found = hardenRounding([1, 2], grids, codes, v.fill(9), new Float32Array([1]), "w");
  assert.deepEqual([...found.codes], [0, 0]);
});

Deno.test("hardenRounding() takes no factor below 2^-10, as learning does", () => {
  const weight = normals(24, 3);
  for (const grids of gridsOf(weight)) {
    const { codes, v } = neighborsOf(weight, shape, grids);
    const hardenedBy = (factor: number) =>
      dequantizeWeight(hardenRounding(shape, grids, codes, v, ones.map(() => factor), "w"));
    for (const small of [2 ** -11, 0, -1]) {
      assert.deepEqual(hardenedBy(small), hardenedBy(2 ** -10));
    }
  }
});

Deno.test("hardenRounding() refuses a factor that is not finite, with name and group", () => {
  const weight = normals(24, 3);
  const [grids] = gridsOf(weight);
  const { codes, v } = neighborsOf(weight, shape, grids);
  for (const bad of [NaN, Infinity]) {
    const factors = new Float32Array([1, 1, bad, 1]);
    assert.throws(() => hardenRounding(shape, grids, codes, v, factors, "fc1.weight"), {
      name: "RangeError",
      message: 'Cannot round "fc1.weight": a learned factor must be finite: that of group 2 is ' +
        `${bad}: learn scales more slowly`,
    });
  }
});

Deno.test("scaleAffineGrid() keeps reciprocal and integers", () => {
  const grid = {
    kind: "affine",
    scale: 0.5,
    inverseScale: 2,
    zeroPoint: 3,
    qMin: 0,
    qMax: 7,
  } as const;
  assert.deepEqual(scaleAffineGrid(grid, 0.5), { ...grid, scale: 0.25, inverseScale: 4 });
});
