import assert from "node:assert/strict";
import {
  chooseWeightGrids,
  dequantizeWeight,
  gptq,
  type LayerHessian,
  obq,
  roundToGrids,
  type WeightGrid,
} from "../../../../compression/mod.ts";
import { cholesky, solveCholesky } from "../../../../compression/quantize/methods/cholesky.ts";
import fc from "../../../support/fast_check.ts";
import { correlatedInputs, hessianOf, normals, outputError } from "./random_hessian.ts";

const shape = [6, 8];
const [rows, inputs] = shape;
const seeds = fc.integer({ min: 1, max: 2 ** 20 });
const affine = (weight: Float32Array): WeightGrid[] =>
  chooseWeightGrids(weight, shape, {
    grid: { kind: "affine", bits: 3 },
    granularity: { group: 4 },
  });
const listed = (): WeightGrid[] =>
  Array.from({ length: rows }, () => ({
    kind: "codebook",
    levels: new Float32Array([-1.5, -0.5, 0.25, 1.5]),
  }));
/** Hessian whose inputs do not depend on each other. */
const diagonal = () => {
  const hessian = hessianOf(correlatedInputs(50, inputs, 3), inputs);
  return { ...hessian, values: hessian.values.map((v, at) => at % (inputs + 1) === 0 ? v : 0) };
};

for (const [name, method] of [["gptq", gptq], ["obq", obq]] as const) {
  Deno.test(`${name}() rounds to nearest where inputs do not depend on each other`, () => {
    fc.assert(fc.property(seeds, (seed) => {
      const weight = normals(rows * inputs, seed);
      for (const grids of [affine(weight), listed()]) {
        const { quantized } = method(weight, shape, grids, diagonal(), { percent: 0 });
        assert.deepEqual(quantized, roundToGrids(weight, shape, grids, "nearestEven"));
      }
    }));
  });

  Deno.test(`${name}() has a smaller output error than rounding to nearest`, () => {
    let [better, sum, roundedSum] = [0, 0, 0];
    for (let seed = 1; seed <= 20; seed++) {
      const weight = normals(rows * inputs, seed);
      const hessian = hessianOf(correlatedInputs(64, inputs, seed), inputs);
      const grids = affine(weight);
      const rounded = roundToGrids(weight, shape, grids, "nearestEven");
      const { quantized } = method(weight, shape, grids, hessian);
      const error = outputError(weight, dequantizeWeight(quantized), hessian);
      const roundedError = outputError(weight, dequantizeWeight(rounded), hessian);
      if (error < roundedError) better++;
      sum += error;
      roundedSum += roundedError;
    }
    assert.equal(better, 20);
    assert.ok(sum < 0.5 * roundedSum, `${sum} against ${roundedSum}`);
  });

  Deno.test(`${name}() leaves weights alone that are on their grid`, () => {
    const weight = Float32Array.from({ length: rows * inputs }, (_, i) => [-1.5, 0.25, 1.5][i % 3]);
    const hessian = hessianOf(correlatedInputs(64, inputs, 1), inputs);
    const { quantized } = method(weight, shape, listed(), hessian);
    assert.deepEqual(dequantizeWeight(quantized), weight);
  });

  Deno.test(`${name}() quantizes grouped convolutions as the layers they consist of`, () => {
    const weight = normals(rows * inputs, 5);
    const grids = affine(weight);
    const parts = [1, 2].map((seed) => hessianOf(correlatedInputs(64, inputs, seed), inputs));
    const half = rows * inputs / 2;
    const codes = parts.flatMap((part, g) => {
      const own = weight.slice(g * half, (g + 1) * half);
      const ownGrids = grids.slice(g * grids.length / 2, (g + 1) * grids.length / 2);
      return [...method(own, [rows / 2, inputs], ownGrids, part).quantized.codes];
    });
    const both = {
      ...parts[0],
      groups: 2,
      values: new Float64Array(parts.flatMap(({ values }) => [...values])),
    };
    const { quantized, damping } = method(weight, [rows, 2, 2, 2], grids, both);
    assert.deepEqual([...quantized.codes], codes);
    assert.equal(damping.length, 2);
  });

  Deno.test(`${name}() refuses a Hessian of another layer, NaN and grids that do not fit`, () => {
    const weight = normals(rows * inputs, 5);
    const hessian = hessianOf(correlatedInputs(64, inputs, 1), inputs);
    const other = hessianOf(correlatedInputs(64, 3, 1), 3);
    assert.throws(() => method(weight, shape, listed(), other), RangeError);
    assert.throws(() => method(weight, shape, listed().slice(1), hessian), RangeError);
    assert.throws(
      () => method(weight.with(4, NaN), shape, listed(), hessian),
      new RangeError("Cannot quantize a weight: element 4 must be finite: it is NaN"),
    );
  });
}

Deno.test("gptq() cannot be called without calibration data", () => {
  // @ts-expect-error a Hessian is an argument, not an option
  const call = () => gptq(normals(48, 1), shape, listed());
  assert.throws(call, { name: "TypeError", message: /undefined/ });
});

Deno.test("gptq() works in both orders, the first column of each as it is", () => {
  const weight = normals(rows * inputs, 9);
  const x = correlatedInputs(64, inputs, 2).map((v, i) => v * (1 + i % inputs));
  const hessian = hessianOf(x, inputs);
  const rounded = roundToGrids(weight, shape, affine(weight), "nearestEven").codes;
  for (const [order, first] of [["natural", 0], ["activation", inputs - 1]] as const) {
    const { codes } = gptq(weight, shape, affine(weight), hessian, { order }).quantized;
    for (let row = 0; row < rows; row++) {
      assert.equal(codes[row * inputs + first], rounded[row * inputs + first]);
    }
  }
});

/**
 * What both methods compute, from the definition: fix one weight after the other, and after each solve
 * for the free weights anew, w_F + H_FF^-1 H_FS (w_S - q_S), instead of updating them.
 */
function solveAnew(
  weight: Float32Array,
  hessian: LayerHessian,
  nearest: (x: number) => number,
  next: (free: readonly number[], errors: readonly number[], pivots: readonly number[]) => number,
): number[] {
  const { inputs: size, values } = hessian;
  const q: (number | undefined)[] = Array(size).fill(undefined);
  for (let step = 0; step < size; step++) {
    const free = [...q.keys()].filter((i) => q[i] === undefined);
    const among = (i: number, j: number) => values[i * size + j];
    const block = new Float64Array(free.flatMap((i) => free.map((j) => among(i, j))));
    const lower = cholesky(block, free.length)!;
    const pull = new Float64Array(
      free.map((i) =>
        q.reduce<number>(
          (sum, v, s) => v === undefined ? sum : sum + among(i, s) * (weight[s] - v),
          0,
        )
      ),
    );
    const moved = solveCholesky(lower, free.length, pull);
    const w = free.map((i, a) => weight[i] + moved[a]);
    const pivots = free.map((_, a) => {
      const unit = new Float64Array(free.length).fill(1, a, a + 1);
      return solveCholesky(lower, free.length, unit)[a];
    });
    const p = next(free, w.map((v) => v - nearest(v)), pivots);
    q[free[p]] = nearest(w[p]);
  }
  return q as number[];
}

const steps: WeightGrid = {
  kind: "codebook",
  levels: Float32Array.from({ length: 41 }, (_, i) => i / 4 - 5),
};
const toStep = (x: number) => Math.floor(x * 4 + 0.5) / 4;

Deno.test("gptq() moves the free weights to where solving for them anew would", () => {
  fc.assert(fc.property(seeds, (seed) => {
    const weight = normals(inputs, seed);
    const hessian = hessianOf(correlatedInputs(40, inputs, seed), inputs);
    const { quantized } = gptq(weight, [1, inputs], [steps], hessian, {
      percent: 0,
      order: "natural",
    });
    assert.deepEqual([...dequantizeWeight(quantized)], solveAnew(weight, hessian, toStep, () => 0));
  }));
});

Deno.test("obq() takes the weights in the order that solving anew would", () => {
  fc.assert(fc.property(seeds, (seed) => {
    const weight = normals(inputs, seed);
    const hessian = hessianOf(correlatedInputs(40, inputs, seed), inputs);
    const { quantized } = obq(weight, [1, inputs], [steps], hessian, { percent: 0 });
    const cheapest = (
      _free: readonly number[],
      errors: readonly number[],
      pivots: readonly number[],
    ) => {
      const costs = errors.map((error, i) => error ** 2 / pivots[i]);
      return costs.indexOf(Math.min(...costs));
    };
    assert.deepEqual(
      [...dequantizeWeight(quantized)],
      solveAnew(weight, hessian, toStep, cheapest),
    );
  }));
});

Deno.test("obq() refuses rows that would take hours", () => {
  const size = 1025;
  const hessian = {
    groups: 1,
    inputs: size,
    samples: 1,
    values: new Float64Array(size * size),
    mean: new Float64Array(size),
  };
  const grid: WeightGrid = { kind: "codebook", levels: new Float32Array([0, 1]) };
  assert.throws(() => obq(new Float32Array(size), [1, size], [grid], hessian), RangeError);
});
