import assert from "node:assert/strict";
import fc from "../../../support/fast_check.ts";
import {
  affineGrid,
  type AffineGridSpec,
  dequantize,
  makeObserver,
  type ObserverSpec,
  quantize,
  type Range,
} from "../../../../compression/mod.ts";
import { randomSource, standardNormal } from "../../../../kernels/mod.ts";

const GRID: AffineGridSpec = { kind: "affine", bits: 8 };

/** Shows an observer each batch as samples of one channel. */
function rangeOf(
  spec: ObserverSpec,
  batches: readonly ArrayLike<number>[],
  grid: AffineGridSpec = GRID,
): Range {
  const observer = makeObserver(spec, { label: "fc1", grid });
  for (const batch of batches) observer.observe(Float32Array.from(batch), [batch.length]);
  return observer.observed().range;
}

function errorOf(values: readonly number[], range: Range, spec: AffineGridSpec): number {
  const grid = affineGrid(range, spec);
  return values.reduce((sum, x) => sum + (dequantize(quantize(x, grid), grid) - x) ** 2, 0);
}

const real = fc.double({ min: -1000, max: 1000, noNaN: true }).map((x) => Math.fround(x) + 0);
const batches = fc.array(fc.array(real, { minLength: 1, maxLength: 30 }), {
  minLength: 1,
  maxLength: 4,
});

Deno.test("makeObserver() of minMax keeps the ends of all batches", () => {
  fc.assert(fc.property(batches, (drawn) => {
    const all = drawn.flat();
    assert.deepEqual(rangeOf({ kind: "minMax" }, drawn), {
      low: Math.min(...all),
      high: Math.max(...all),
    });
  }));
});

Deno.test("makeObserver() of movingAverage averages the ends of the batches", () => {
  const spec = { kind: "movingAverage", momentum: 0.25 } as const;
  const range = rangeOf(spec, [[-4, 8], [0, 4], [-2, 12]]);
  assert.deepEqual(range, {
    low: 0.75 * (0.75 * -4 + 0.25 * 0) + 0.25 * -2,
    high: 0.75 * (0.75 * 8 + 0.25 * 4) + 0.25 * 12,
  });
  assert.deepEqual(rangeOf({ ...spec, momentum: 1 }, [[-4, 8], [1, 2]]), { low: 1, high: 2 });
});

Deno.test("makeObserver() of percentile leaves out the same share at either end", () => {
  const values = Array.from({ length: 10_001 }, (_, i) => i - 5000);
  const { low, high } = rangeOf({ kind: "percentile", percentile: 99 }, [values]);
  // 100 of 10,001 values lie beyond, to the width of a bin: 8192 / 4096
  assert.ok(high >= 4900 && high <= 4902, `${high}`);
  assert.ok(low <= -4900 && low >= -4902, `${low}`);
  fc.assert(fc.property(batches, (drawn) => {
    const all = drawn.flat();
    assert.deepEqual(rangeOf({ kind: "percentile", percentile: 100 }, drawn), {
      low: Math.min(...all),
      high: Math.max(...all),
    });
  }));
});

Deno.test("makeObserver() of percentile keeps at least its share of the values below the upper end", () => {
  fc.assert(fc.property(batches, fc.integer({ min: 51, max: 100 }), (drawn, percentile) => {
    const all = drawn.flat();
    const { low, high } = rangeOf({ kind: "percentile", percentile }, drawn);
    const share = (isInside: (x: number) => boolean) =>
      100 * all.filter(isInside).length / all.length;
    assert.ok(share((x) => x <= high) >= percentile - 1e-9);
    assert.ok(share((x) => x >= low) >= percentile - 1e-9);
  }));
});

Deno.test("makeObserver() of histograms does not depend on the order or the size of batches", () => {
  const specs: ObserverSpec[] = [
    { kind: "percentile", percentile: 90 },
    { kind: "meanSquaredError" },
    { kind: "entropy" },
  ];
  fc.assert(
    fc.property(batches, fc.constantFrom(...specs), (drawn, spec) => {
      const whole = rangeOf(spec, [drawn.flat()]);
      assert.deepEqual(rangeOf(spec, drawn), whole);
      assert.deepEqual(rangeOf(spec, [...drawn].reverse()), whole);
    }),
    { numRuns: 30 },
  );
});

Deno.test("makeObserver() of meanSquaredError clips an outlier where min-max keeps it", () => {
  const random = randomSource(3);
  const values = Array.from({ length: 4000 }, () => Math.fround(standardNormal(random)));
  values.push(40);
  for (const bits of [2, 4, 8] as const) {
    const spec = { kind: "affine", bits } as const;
    const [best, widest] = (["meanSquaredError", "minMax"] as const).map((kind) =>
      errorOf(values, rangeOf({ kind }, [values], spec), spec)
    );
    assert.ok(best < (bits === 8 ? 1 : 0.7) * widest, `${bits} bits: ${best} against ${widest}`);
  }
});

Deno.test("makeObserver() of meanSquaredError is worse than min-max by the width of a bin at most", () => {
  const random = randomSource(3);
  const values = Array.from({ length: 20_000 }, () => Math.fround(standardNormal(random)));
  const most = Math.max(...values.map(Math.abs));
  const width = 2 ** Math.ceil(Math.log2(most)) / 4096;
  const differences = ([4, 10, 12, 16] as const).map((bits) => {
    const spec = { kind: "affine", bits } as const;
    const [best, widest] = (["meanSquaredError", "minMax"] as const).map((kind) =>
      Math.sqrt(errorOf(values, rangeOf({ kind }, [values], spec), spec) / values.length)
    );
    assert.ok(best <= widest + width, `${bits} bits: ${best} against ${widest}`);
    return best - widest;
  });
  assert.ok(differences[0] < 0 && differences.some((difference) => difference > 0));
});

Deno.test("makeObserver() of entropy keeps an even distribution whole and clips a long tail", () => {
  const even = Array.from({ length: 20_000 }, (_, i) => (i + 1) / 20_000);
  assert.deepEqual(rangeOf({ kind: "entropy" }, [even], GRID), {
    low: Math.fround(1 / 20_000),
    high: 1,
  });
  const random = randomSource(4);
  const tail = Array.from({ length: 20_000 }, () => standardNormal(random));
  tail.push(...Array.from({ length: 20 }, () => 30 + standardNormal(random)));
  const { low, high } = rangeOf({ kind: "entropy" }, [tail], { kind: "affine", bits: 8 });
  assert.ok(high > 2.5 && high < 10, `${high}`);
  assert.ok(low < -2.5 && low > -10, `${low}`);
});

Deno.test("makeObserver() of entropy does not look at values that are 0", () => {
  const random = randomSource(5);
  const values = Array.from({ length: 5000 }, () => Math.max(standardNormal(random), 0));
  const zeros = new Array<number>(50_000).fill(0);
  const grid: AffineGridSpec = { kind: "affine", bits: 4 };
  assert.deepEqual(
    rangeOf({ kind: "entropy" }, [values, zeros], grid),
    rangeOf({ kind: "entropy" }, [values], grid),
  );
});

Deno.test("makeObserver() of nothing but 0, and of tiny values, gives ranges that grids accept", () => {
  const specs: ObserverSpec[] = [
    { kind: "minMax" },
    { kind: "movingAverage", momentum: 0.1 },
    { kind: "percentile", percentile: 99 },
    { kind: "meanSquaredError" },
    { kind: "entropy" },
  ];
  for (const spec of specs) {
    for (const values of [[0, 0], [1e-45, 0], [-1e-40, 1e-38], [3e35, -1]]) {
      const { scale, inverseScale } = affineGrid(rangeOf(spec, [values]), GRID);
      assert.ok(scale > 0 && Number.isFinite(inverseScale), `${spec.kind} of ${values}`);
    }
  }
});

Deno.test("makeObserver() of fixed keeps its range, but looks at the data", () => {
  const range = { low: 0, high: 6 };
  const observer = makeObserver({ kind: "fixed", range }, { label: "fc3", grid: GRID });
  observer.observe(new Float32Array([1, 9]), [2]);
  assert.deepEqual(observer.observed().range, range);
  assert.throws(() => observer.observe(new Float32Array([Infinity]), [1]), /"fc3"/);
});

Deno.test("makeObserver() says which channels never changed, with the layer's name", () => {
  const observer = makeObserver({ kind: "minMax" }, { label: "conv2", grid: GRID });
  // 2 samples, 3 channels of 2: the middle channel is 4 throughout
  observer.observe(new Float32Array([1, 2, 4, 4, 0, 0, 1, 2, 4, 4, 0, 0]), [2, 3, 1, 2]);
  observer.observe(new Float32Array([1, 2, 4, 4, 0, 7]), [1, 3, 1, 2]);
  assert.deepEqual(observer.observed().remarks, [
    '"conv2": 1 of 3 channels never changed in 3 samples: channel 1 is 4',
  ]);
});

Deno.test("makeObserver() refuses NaN, too few samples and shapes that change, with the layer's name", () => {
  const make = () => makeObserver({ kind: "minMax" }, { label: "fc2", grid: GRID, samples: 8 });
  const observer = make();
  observer.observe(new Float32Array(12), [4, 3]);
  const values = new Float32Array(6);
  values[4] = NaN;
  assert.throws(
    () => observer.observe(values, [2, 3]),
    new RangeError('Cannot observe "fc2": every value must be finite: sample 5 holds NaN'),
  );
  assert.throws(
    () => observer.observed(),
    new RangeError('Cannot calibrate "fc2": 8 samples were asked for: there were 4'),
  );
  assert.throws(
    () => observer.observe(new Float32Array(4), [2, 2]),
    new RangeError(
      'Cannot observe "fc2": the samples of every batch must be of shape [3]: found [2]',
    ),
  );
  assert.throws(
    () => observer.observe(new Float32Array(12), [2, 3, 2]),
    new RangeError(
      'Cannot observe "fc2": the samples of every batch must be of shape [3]: found [3, 2]',
    ),
  );
  assert.throws(
    () => observer.observe(new Float32Array(4), [3]),
    new RangeError('Cannot observe "fc2": 4 values must fill shape [3]'),
  );
  assert.throws(
    () => makeObserver({ kind: "minMax" }, { label: "fc2", grid: GRID }).observed(),
    /1 samples were asked for: there were 0/,
  );
});

Deno.test("makeObserver() refuses a fixed range that is none, and values too far apart, with the layer's name", () => {
  const refused = [
    [2, 1, "not end below where it begins"],
    [0, NaN, "be finite and at most 2^120 wide"],
    [0, 3e38, "be finite and at most 2^120 wide"],
  ] as const;
  for (const [low, high, words] of refused) {
    assert.throws(
      () => makeObserver({ kind: "fixed", range: { low, high } }, { label: "fc2", grid: GRID }),
      new RangeError(
        `Cannot find the range of "fc2": a fixed range must ${words}: from ${low} to ${high}`,
      ),
    );
  }
  const observer = makeObserver({ kind: "meanSquaredError" }, { label: "fc2", grid: GRID });
  observer.observe(Float32Array.of(0, 3e38), [2]);
  assert.throws(
    () => observer.observed(),
    /^RangeError: Cannot quantize values of "fc2" from 0 to 3/,
  );
});

Deno.test("makeObserver() refuses momentum and percentile out of range", () => {
  const options = { label: "fc1", grid: GRID };
  for (const momentum of [0, -1, 1.5, NaN]) {
    assert.throws(
      () => makeObserver({ kind: "movingAverage", momentum }, options),
      new RangeError(
        'Cannot find the range of "fc1": the momentum of ranges must be more than 0 and at most 1: ' +
          momentum,
      ),
    );
  }
  for (const percentile of [50, 101, NaN]) {
    assert.throws(
      () => makeObserver({ kind: "percentile", percentile }, options),
      new RangeError(
        'Cannot find the range of "fc1": the percentile of ranges must be more than 50 and at most ' +
          `100: ${percentile}`,
      ),
    );
  }
});
