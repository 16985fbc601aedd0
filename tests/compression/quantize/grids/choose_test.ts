import assert from "node:assert/strict";
import fc from "../../../support/fast_check.ts";
import {
  type AffineGrid,
  chooseQuantParams,
  chooseWeightGrids,
  dequantizeWeight,
  rangesOf,
  roundToGrids,
  type WeightGridOptions,
} from "../../../../compression/mod.ts";
import { affineSpecs, errorOf, granularities, weights } from "./weights.ts";

Deno.test("chooseWeightGrids() of an asymmetric grid by channel is chooseQuantParams() of rangesOf()", () => {
  fc.assert(fc.property(weights, ({ values, shape }) => {
    const grids = chooseWeightGrids(values, shape, {
      grid: { kind: "affine", bits: 3 },
      granularity: "channel",
    });
    assert.deepEqual(grids, rangesOf(values, shape[0]).map((range) => chooseQuantParams(range, 3)));
  }));
});

Deno.test("chooseWeightGrids() by min-max leaves no value in range further away than half a step", () => {
  fc.assert(
    fc.property(weights, affineSpecs, granularities, ({ values, shape }, grid, granularity) => {
      const grids = chooseWeightGrids(values, shape, { grid, granularity });
      const rounded = roundToGrids(values, shape, grids);
      dequantizeWeight(rounded).forEach((found, i) => {
        const { scale, zeroPoint, qMin, qMax } = grids[
          Math.floor(i / rounded.groupSize)
        ] as AffineGrid;
        // the zero point is rounded, so an asymmetric grid may end half a step inside the range
        const inside = Math.min(
          Math.max(values[i], (qMin - zeroPoint) * scale),
          (qMax - zeroPoint) * scale,
        );
        assert.ok(Math.abs(inside - values[i]) <= 0.5001 * scale, `${values[i]} is clipped`);
        assert.ok(Math.abs(found - inside) <= scale / 2 + 2 ** -21 * Math.abs(inside));
      });
    }),
    { numRuns: 300 },
  );
});

Deno.test("roundToGrids() is idempotent", () => {
  fc.assert(
    fc.property(weights, affineSpecs, granularities, ({ values, shape }, grid, granularity) => {
      const grids = chooseWeightGrids(values, shape, { grid, granularity });
      const once = roundToGrids(values, shape, grids);
      assert.deepEqual(roundToGrids(dequantizeWeight(once), shape, grids).codes, once.codes);
    }),
  );
});

Deno.test("chooseWeightGrids() by mean squared error is never worse than by min-max", () => {
  fc.assert(
    fc.property(weights, affineSpecs, granularities, ({ values, shape }, grid, granularity) => {
      const [best, widest] = (["meanSquaredError", "minMax"] as const).map((kind) => {
        const grids = chooseWeightGrids(values, shape, {
          grid,
          granularity,
          observer: { kind },
        });
        return errorOf(values, dequantizeWeight(roundToGrids(values, shape, grids)));
      });
      assert.ok(best <= widest * (1 + 1e-5) + 1e-12, `${best} against ${widest}`);
    }),
    { numRuns: 60 },
  );
});

Deno.test("chooseWeightGrids() by mean squared error finds the best of all grids of 1 and 2 bits", () => {
  const values = new Float32Array([-1.1, -0.4, 0.05, 0.1, 0.3, 0.45, 0.5, 0.9, 1.2, 1.9]);
  for (const bits of [1, 2] as const) {
    const [grid] = chooseWeightGrids(values, [1, 10], {
      grid: { kind: "affine", bits },
      granularity: "tensor",
      observer: { kind: "meanSquaredError" },
    });
    const found = errorOf(values, dequantizeWeight(roundToGrids(values, [1, 10], [grid])));
    let least = Infinity;
    for (let zeroPoint = 0; zeroPoint < 2 ** bits; zeroPoint++) {
      for (let step = 1; step <= 4000; step++) {
        const scale = step / 1000;
        const error = values.reduce((sum, x) => {
          const q = Math.min(Math.max(Math.round(x / scale) + zeroPoint, 0), 2 ** bits - 1);
          return sum + ((q - zeroPoint) * scale - x) ** 2;
        }, 0);
        least = Math.min(least, error);
      }
    }
    assert.ok(found <= least * 1.001, `${bits} bits: ${found}, by brute force ${least}`);
  }
});

Deno.test("chooseWeightGrids() takes a fixed range as it is", () => {
  const [grid] = chooseWeightGrids(new Float32Array([-9, 9]), [1, 2], {
    grid: { kind: "affine", bits: 8 },
    granularity: "tensor",
    observer: { kind: "fixed", range: { low: 0, high: 1 } },
  });
  assert.deepEqual(grid, chooseQuantParams({ low: 0, high: 1 }, 8));
});

Deno.test("chooseWeightGrids() refuses values that are not finite, with the weight's name", () => {
  const options = {
    grid: { kind: "affine", bits: 8 },
    granularity: "tensor",
    label: "fc1.weight",
  } as const;
  assert.throws(
    () => chooseWeightGrids(new Float32Array([1, NaN]), [1, 2], options),
    new RangeError(
      'Cannot choose grids for "fc1.weight": its values must be finite: element 1 is NaN',
    ),
  );
  assert.throws(
    () => chooseWeightGrids(new Float32Array(3), [1, 2], options),
    new RangeError('Cannot choose grids for "fc1.weight": shape [1, 2] must fit its 3 values'),
  );
});

Deno.test("chooseWeightGrids() refuses groups that do not divide a row", () => {
  for (const group of [3, 0, 1.5, 20]) {
    assert.throws(
      () =>
        chooseWeightGrids(new Float32Array(20), [2, 10], {
          grid: { kind: "affine", bits: 4 },
          granularity: { group },
          label: "fc1.weight",
        }),
      new RangeError(
        `Cannot quantize "fc1.weight" of shape [2, 10] in groups of ${group}: a group must divide a row ` +
          "of 10",
      ),
    );
  }
});

Deno.test("chooseWeightGrids() names the weight whose values are too far apart", () => {
  const values = Float32Array.of(0, 3e38);
  const grids = [
    { kind: "affine", bits: 4 },
    { kind: "affine", bits: 4, symmetric: true },
    { kind: "affine", bits: 4, scale: "powerOfTwo" },
    { kind: "powersOfTwo", bits: 4 },
    { kind: "additivePowersOfTwo", bits: 4 },
  ] as const;
  for (const grid of grids) {
    for (const kind of ["minMax", "meanSquaredError"] as const) {
      const options = { grid, granularity: "tensor", observer: { kind }, label: "fc2.weight" };
      assert.throws(
        () => chooseWeightGrids(values, [1, 2], options as WeightGridOptions),
        /^RangeError: Cannot quantize values of "fc2\.weight" from 0 to 3.*: the range must be finite /,
      );
    }
  }
});

Deno.test("chooseWeightGrids() by percentile clips the same share at either end, exactly", () => {
  const values = Float32Array.from({ length: 200 }, (_, i) => i - 99.5);
  const [grid] = chooseWeightGrids(values, [1, 200], {
    grid: { kind: "affine", bits: 8 },
    granularity: "tensor",
    observer: { kind: "percentile", percentile: 99 },
  });
  assert.deepEqual(grid, chooseQuantParams({ low: -97.5, high: 97.5 }, 8));
});

Deno.test("chooseWeightGrids() by entropy clips an outlier", () => {
  const values = Float32Array.from({ length: 3000 }, (_, i) => i === 0 ? 8 : Math.sin(i));
  const [grid] = chooseWeightGrids(values, [1, 3000], {
    grid: { kind: "affine", bits: 4, symmetric: true },
    granularity: "tensor",
    observer: { kind: "entropy" },
  });
  assert.ok((grid as AffineGrid).scale < 0.2, `${(grid as AffineGrid).scale}`);
});

Deno.test("chooseWeightGrids() refuses observers that do not fit weights or listed levels", () => {
  const values = new Float32Array(4);
  assert.throws(
    () =>
      chooseWeightGrids(values, [1, 4], {
        grid: { kind: "affine", bits: 4 },
        granularity: "tensor",
        // @ts-expect-error a weight is a single batch
        observer: { kind: "movingAverage", momentum: 0.1 },
      }),
    /Cannot choose affine grids for a weight: a weight is a single batch/,
  );
  assert.throws(
    () =>
      // @ts-expect-error entropy is for equal steps
      chooseWeightGrids(values, [1, 4], {
        grid: { kind: "powersOfTwo", bits: 4 },
        granularity: "tensor",
        observer: { kind: "entropy" },
      }),
    /Cannot choose powersOfTwo grids for a weight: entropy is for equal steps/,
  );
});
