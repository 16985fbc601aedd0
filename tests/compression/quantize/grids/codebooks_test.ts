import assert from "node:assert/strict";
import fc from "../../../support/fast_check.ts";
import {
  additivePowersOfTwoGrid,
  type AdditivePowersOfTwoGridSpec,
  binaryGrid,
  type Bits,
  chooseWeightGrids,
  codeBits,
  type CodebookGrid,
  dequantizeWeight,
  lloydMaxGrid,
  powersOfTwoGrid,
  roundToGrids,
  ternaryGrid,
  type WeightGrid,
  type WeightGridOptions,
  type WeightGridSpec,
} from "../../../../compression/mod.ts";
import { randomSource, standardNormal } from "../../../../kernels/mod.ts";
import { errorOf, granularities, weights } from "./weights.ts";

/** Squared error of values that share one grid. */
function errorOn(values: Float32Array, grid: WeightGrid): number {
  return errorOf(values, dequantizeWeight(roundToGrids(values, [values.length], [grid])));
}

function drawNormal(size: number, seed: number): Float32Array<ArrayBuffer> {
  const random = randomSource(seed);
  return Float32Array.from({ length: size }, () => standardNormal(random));
}

const specs: readonly WeightGridSpec[] = [
  { kind: "powersOfTwo", bits: 2 },
  { kind: "powersOfTwo", bits: 4, scale: "float" },
  { kind: "additivePowersOfTwo", bits: 3 },
  { kind: "additivePowersOfTwo", bits: 5, scale: "powerOfTwo" },
  { kind: "lloydMax", bits: 1 },
  { kind: "lloydMax", bits: 3 },
  { kind: "ternary" },
  { kind: "binary" },
];

Deno.test("powersOfTwoGrid() has the levels of INQ: its n1 from the greatest magnitude", () => {
  const levels = (
    high: number,
    scale?: "float",
  ) => [...powersOfTwoGrid({ low: -0.1, high }, { kind: "powersOfTwo", bits: 3, scale }).levels];
  assert.deepEqual(levels(1.49), [-1, -0.5, -0.25, 0, 0.25, 0.5, 1]);
  assert.deepEqual(levels(1.5), [-2, -1, -0.5, 0, 0.5, 1, 2]);
  assert.deepEqual(levels(0.75), [-1, -0.5, -0.25, 0, 0.25, 0.5, 1]);
  assert.deepEqual(levels(3, "float"), [-3, -1.5, -0.75, 0, 0.75, 1.5, 3]);
});

Deno.test("powersOfTwoGrid() has nothing but 0 and exact powers of two, none subnormal", () => {
  for (let bits = 2 as 2 | 8; bits <= 8; bits++) {
    for (const high of [1e-37, 1e-6, 1, 1e6]) {
      const { levels } = powersOfTwoGrid({ low: 0, high }, { kind: "powersOfTwo", bits });
      const magnitudes = [...levels].filter((level) => level !== 0).map(Math.abs);
      assert.ok(magnitudes.every((m) => Number.isInteger(Math.log2(m)) && m >= 2 ** -126));
      assert.ok(levels.length <= 2 ** bits && levels.every((l, i) => i === 0 || l > levels[i - 1]));
    }
  }
});

Deno.test("additivePowersOfTwoGrid() by a power of two reaches the range, and half of it would not", () => {
  fc.assert(fc.property(
    fc.float({ noNaN: true, min: 2 ** -30, max: 2 ** 30 }),
    fc.constantFrom(2, 3, 4, 5, 6, 8, 12, 16),
    (most, bits) => {
      const grid = { kind: "additivePowersOfTwo", bits } as AdditivePowersOfTwoGridSpec;
      const unit = additivePowersOfTwoGrid({ low: 0, high: 1 }, grid).levels.find((l) => l > 0)!;
      const { levels } = additivePowersOfTwoGrid(
        { low: 0, high: most },
        { ...grid, scale: "powerOfTwo" },
      );
      const least = levels.find((level) => level > 0)!;
      assert.ok(Number.isInteger(Math.log2(least)));
      assert.ok(levels.at(-1)! >= most && levels.at(-1)! < 2 * most);
      assert.ok(Math.abs(least / levels.at(-1)! - unit) < 1e-6 * unit);
    },
  ));
});

Deno.test("additivePowersOfTwoGrid() has the levels of the paper and its code", () => {
  const magnitudes = (bits: Exclude<Bits, 1>) => {
    const spec = { kind: "additivePowersOfTwo", bits } as const;
    return [...additivePowersOfTwoGrid({ low: 0, high: 1 }, spec).levels].filter((l) => l > 0);
  };
  assert.deepEqual(magnitudes(2), [1]);
  assert.deepEqual(magnitudes(3), [0.25, 0.5, 1]);
  // {0, 1/2, 1/4, 1/16} + {0, 1/8}, over its greatest sum of 5/8
  const sums = [1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 1 / 2, 5 / 8];
  assert.deepEqual(magnitudes(4), sums.map((sum) => Math.fround(sum / (5 / 8))));
  // {0, 1/2, 1/8, 1/32} + {0, 1/4, 1/16, 1/64}
  const terms = [[0, 1 / 2, 1 / 8, 1 / 32], [0, 1 / 4, 1 / 16, 1 / 64]];
  const all = terms[0].flatMap((a) => terms[1].map((b) => a + b)).sort((a, b) => a - b).slice(1);
  assert.deepEqual(magnitudes(5), all.map((sum) => Math.fround(sum / 0.75)));
  assert.equal(magnitudes(16).length, 2 ** 15 - 1);
  assert.equal(new Set(magnitudes(15)).size, 2 ** 14 - 1);
});

Deno.test("lloydMaxGrid() finds the best clusters of all", () => {
  const some = fc.array(fc.double({ min: -4, max: 4, noNaN: true }), {
    minLength: 5,
    maxLength: 9,
  });
  fc.assert(fc.property(some, fc.constantFrom(1, 2), (drawn, bits) => {
    const values = new Float32Array(drawn).sort();
    const clusterings = (from: number, left: number): number[] =>
      left === 1
        ? [spread(values.subarray(from))]
        : Array.from({ length: values.length - from - left + 1 }, (_, i) => from + 1 + i)
          .flatMap((to) =>
            clusterings(to, left - 1).map((rest) => spread(values.subarray(from, to)) + rest)
          );
    const least = Math.min(...clusterings(0, 2 ** bits));
    const found = errorOn(values, lloydMaxGrid(values, bits));
    assert.ok(Math.abs(found - least) <= 1e-6 * (1 + least), `${found}, by brute force ${least}`);
  }));
});

/** Sum of squared distances from the mean. */
function spread(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}

Deno.test("lloydMaxGrid() of important values is that of as many equal ones", () => {
  const values = new Float32Array([3, -1, 0.5, 2, -0.25]);
  const importance = new Float64Array([1, 4, 2, 3, 1]);
  const repeated = Float32Array.from([...values].flatMap((v, i) => Array(importance[i]).fill(v)));
  assert.deepEqual(lloydMaxGrid(values, 1, importance), lloydMaxGrid(repeated, 1));
  assert.notDeepEqual(lloydMaxGrid(values, 1, importance), lloydMaxGrid(values, 1));
  assert.throws(() => lloydMaxGrid(values, 1, new Float64Array(5)), /importance of more than 0/);
  assert.throws(() => lloydMaxGrid(values, 1, new Float64Array(4).fill(1)), RangeError);
});

Deno.test("lloydMaxGrid() of normal numbers has the distortion that Max 1960 lists", () => {
  const values = drawNormal(40_000, 5);
  for (const [bits, distortion] of [[1, 0.3634], [2, 0.1175], [3, 0.03454], [4, 0.009497]]) {
    const found = errorOn(values, lloydMaxGrid(values, bits)) / values.length;
    assert.ok(Math.abs(found / distortion - 1) < 0.03, `${bits} bits: ${found}`);
  }
});

Deno.test("lloydMaxGrid() by iterations, where the exact search is too long, comes near it", () => {
  const values = drawNormal(20_000, 6);
  // 20,000 x 256 is beyond the exact search; Panter and Dite's limit for a normal density
  const distortion = Math.sqrt(3) * Math.PI / 2 / 256 ** 2;
  const found = errorOn(values, lloydMaxGrid(values, 8)) / values.length;
  assert.ok(found < 1.02 * distortion, `${found} against ${distortion}`);
  const affine = chooseWeightGrids(values, [1, values.length], {
    grid: { kind: "affine", bits: 8 },
    granularity: "tensor",
    observer: { kind: "meanSquaredError" },
  });
  assert.ok(found * values.length < errorOn(values, affine[0]));
});

Deno.test("lloydMaxGrid() keeps values that are no more than its levels", () => {
  const values = new Float32Array([3, 1, 3, -2]);
  assert.deepEqual([...lloydMaxGrid(values, 2).levels], [-2, 1, 3]);
  assert.deepEqual([...lloydMaxGrid(drawNormal(900, 1), 16).levels].length, 900);
  assert.throws(
    () => lloydMaxGrid(values, 17),
    /^RangeError: Cannot make a grid: bits of lloydMax grids must be a whole number from 1 to 16: 17$/,
  );
});

Deno.test("lloydMaxGrid() has all its levels, also where iterations leave one without values", () => {
  for (const [size, bits] of [[5000, 10], [5000, 12], [20_000, 12]] as const) {
    const values = drawNormal(size, 3);
    assert.equal(lloydMaxGrid(values, bits).levels.length, 2 ** bits, `${bits} bits of ${size}`);
    // of values that are rounded there are fewer
    const few = values.map((value) => Math.round(500 * value) / 500);
    const distinct = new Set(few).size;
    assert.equal(lloydMaxGrid(few, bits).levels.length, Math.min(2 ** bits, distinct));
  }
});

Deno.test("chooseWeightGrids() of lloydMax is never worse than any affine grid", () => {
  fc.assert(
    fc.property(weights, fc.integer({ min: 1, max: 4 }), ({ values, shape }, bits) => {
      const [lloydMax, affine] = ([
        { grid: { kind: "lloydMax", bits: bits as Bits }, granularity: "channel" },
        {
          grid: { kind: "affine", bits: bits as Bits },
          granularity: "channel",
          observer: { kind: "meanSquaredError" },
        },
      ] as WeightGridOptions[]).map((options) => {
        const grids = chooseWeightGrids(values, shape, options);
        return errorOf(values, dequantizeWeight(roundToGrids(values, shape, grids)));
      });
      // levels are rounded to float32
      assert.ok(lloydMax <= affine * (1 + 1e-5) + 1e-9, `${lloydMax} against ${affine}`);
    }),
    { numRuns: 60 },
  );
});

Deno.test("ternaryGrid() finds the scale and threshold that no others beat", () => {
  fc.assert(fc.property(weights, ({ values }) => {
    const found = errorOn(values, ternaryGrid(values));
    const magnitudes = [...values].map(Math.abs).sort((a, b) => b - a);
    for (let kept = 1; kept <= magnitudes.length; kept++) {
      const alpha = magnitudes.slice(0, kept).reduce((a, b) => a + b, 0) / kept;
      const error = magnitudes.reduce((sum, m, i) => sum + (m - (i < kept ? alpha : 0)) ** 2, 0);
      assert.ok(found <= error * (1 + 1e-5) + 1e-9, `${found} against ${error} with ${kept} kept`);
    }
  }));
});

Deno.test("ternaryGrid() of normal weights has a threshold near the paper's", () => {
  const values = drawNormal(50_000, 7);
  const mean = values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
  const [, , alpha] = ternaryGrid(values).levels;
  // Delta = alpha / 2; the paper has 0.75 mean for normal weights before it settles on 0.7
  assert.ok(Math.abs(alpha / 2 / mean - 0.766) < 0.02, `${alpha / 2 / mean}`);
});

Deno.test("binaryGrid() is the mean magnitude, and counts 0 as positive", () => {
  const grid = binaryGrid(new Float32Array([-1, 0, 2, -5]));
  assert.deepEqual([...grid.levels], [-2, 2]);
  const { codes } = roundToGrids(new Float32Array([-1, 0, 2, -5]), [4], [grid]);
  assert.deepEqual([...codes], [0, 1, 1, 0]);
});

Deno.test("chooseWeightGrids() of listed levels gives ascending levels, 2^b at most, and rounds idempotently", () => {
  fc.assert(
    fc.property(
      weights,
      fc.constantFrom(...specs),
      granularities,
      ({ values, shape }, grid, granularity) => {
        const isTable = grid.kind === "lloydMax" && typeof granularity === "object";
        const options = { grid, granularity: isTable ? "channel" : granularity };
        const grids = chooseWeightGrids(values, shape, options as WeightGridOptions);
        for (const { levels } of grids as CodebookGrid[]) {
          assert.ok(levels.length >= 1 && levels.length <= 2 ** codeBits(grid));
          assert.ok(levels.every((level, i) => i === 0 || level > levels[i - 1]), `${levels}`);
        }
        const once = roundToGrids(values, shape, grids);
        assert.deepEqual(roundToGrids(dequantizeWeight(once), shape, grids).codes, once.codes);
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("chooseWeightGrids() by mean squared error improves listed levels that span a range", () => {
  const values = drawNormal(4000, 8);
  for (const kind of ["powersOfTwo", "additivePowersOfTwo"] as const) {
    const [best, widest] = (["meanSquaredError", "minMax"] as const).map((observer) => {
      const [grid] = chooseWeightGrids(values, [1, 4000], {
        grid: { kind, bits: 4, scale: "float" },
        granularity: "tensor",
        observer: { kind: observer },
      });
      return errorOn(values, grid);
    });
    assert.ok(best < 0.95 * widest, `${kind}: ${best} against ${widest}`);
  }
});

Deno.test("chooseWeightGrids() refuses what does not type-check, with the reason", () => {
  const values = new Float32Array(8);
  const refuse = (options: WeightGridOptions, message: string) =>
    assert.throws(() => chooseWeightGrids(values, [2, 4], options), new RangeError(message));
  const minMax = { kind: "minMax" } as const;
  refuse(
    // @ts-expect-error ternary grids have no range to observe
    { grid: { kind: "ternary" }, granularity: "tensor", observer: minMax },
    "Cannot choose ternary grids for a weight: they fit their levels themselves: a minMax observer " +
      "was given",
  );
  refuse(
    // @ts-expect-error a table of levels is too much for a group
    { grid: { kind: "lloydMax", bits: 2 }, granularity: { group: 4 } },
    "Cannot choose lloydMax grids for a weight: a table of levels is for a tensor or a channel: " +
      "groups of 4 were asked for",
  );
  refuse(
    // @ts-expect-error one bit has no power of two beside 0
    { grid: { kind: "powersOfTwo", bits: 1 }, granularity: "tensor" },
    "Cannot choose powersOfTwo grids for a weight: bits of powersOfTwo grids must be a whole number " +
      "from 2 to 8: 1",
  );
});
