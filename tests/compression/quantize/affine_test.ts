import assert from "node:assert/strict";
import fc from "../../support/fast_check.ts";
import {
  type AffineGrid,
  BITS,
  chooseQuantParams,
  dequantize,
  quantize,
  type Range,
  rangesOf,
} from "../../../compression/mod.ts";
import { fakeQuantize, uploadGrids } from "../../../autograd/mod.ts";
import { read, tensor } from "../../../gpu/mod.ts";
import { testDevice } from "../../support/device.ts";

const { fround } = Math;
const bits = fc.integer({ min: BITS.least, max: BITS.most });
const real = fc.double({ min: -1000, max: 1000, noNaN: true }).map(fround);
const range: fc.Arbitrary<Range> = fc.tuple(real, real).map(([a, b]) => ({
  low: Math.min(a, b),
  high: Math.max(a, b),
}));
const grid: fc.Arbitrary<AffineGrid> = fc.tuple(range, bits).map(([r, b]) =>
  chooseQuantParams(r, b)
);

Deno.test("chooseQuantParams() computes scale, reciprocal and zero point in float32", () => {
  const { scale, inverseScale, zeroPoint, qMin, qMax } = chooseQuantParams({ low: -1, high: 3 }, 8);
  assert.equal(scale, fround(4 / 255));
  assert.equal(inverseScale, fround(1 / scale));
  assert.deepEqual([zeroPoint, qMin, qMax], [64, 0, 255]);
});

Deno.test("chooseQuantParams() represents 0 exactly, whatever the range", () => {
  fc.assert(fc.property(grid, (g) => {
    const q = quantize(0, g);
    return q === g.zeroPoint && Object.is(dequantize(q, g), 0);
  }));
});

Deno.test("chooseQuantParams() widens the range to include 0", () => {
  for (const b of [1, 4, 8]) {
    assert.deepEqual(
      chooseQuantParams({ low: 2, high: 5 }, b),
      chooseQuantParams({ low: 0, high: 5 }, b),
    );
    assert.deepEqual(
      chooseQuantParams({ low: -5, high: -2 }, b),
      chooseQuantParams({ low: -5, high: 0 }, b),
    );
  }
});

Deno.test("chooseQuantParams() of nothing but 0 gives back 0", () => {
  const g = chooseQuantParams({ low: 0, high: 0 }, 8);
  assert.deepEqual([g.scale, g.inverseScale, g.zeroPoint], [1, 1, 0]);
  assert.equal(dequantize(quantize(0, g), g), 0);
});

Deno.test("chooseQuantParams() survives ranges at the ends of float32", () => {
  for (const high of [1e-45, 1e-38, 1e-30, 1e30, 6e35]) {
    for (const b of [1, 8, 16]) {
      const g = chooseQuantParams({ low: -high, high }, b);
      const { kind: _kind, ...numbers } = g;
      assert.ok(Object.values(numbers).every(Number.isFinite), JSON.stringify({ high, b, ...g }));
      const y = dequantize(quantize(fround(high), g), g);
      assert.ok(Math.abs(y - fround(high)) <= 1.01 * g.scale, `${high} became ${y}`);
    }
  }
});

Deno.test("chooseQuantParams() has two levels at 1 bit and 65,536 at 16", () => {
  const one = chooseQuantParams({ low: 0, high: 1 }, 1);
  assert.deepEqual([-9, 0.4, 0.6, 9].map((x) => dequantize(quantize(x, one), one)), [0, 0, 1, 1]);
  const sixteen = chooseQuantParams({ low: -1, high: 1 }, 16);
  assert.equal(sixteen.qMax, 65_535);
  assert.equal(quantize(-2, sixteen), 0);
  assert.equal(quantize(2, sixteen), 65_535);
});

Deno.test("chooseQuantParams() refuses bits and ranges that mean nothing", () => {
  for (const bad of [0, 17, 2.5, NaN, -1]) {
    assert.throws(() => chooseQuantParams({ low: 0, high: 1 }, bad), {
      name: "RangeError",
      message: `Cannot quantize to ${bad} bits: bits must be a whole number from 1 to 16`,
    });
  }
  for (const [low, high] of [[0, NaN], [NaN, 0], [-Infinity, 1], [0, Infinity], [-1e38, 1]]) {
    assert.throws(() => chooseQuantParams({ low, high }, 8), {
      name: "RangeError",
      message:
        `Cannot quantize values from ${low} to ${high}: the range must be finite and at most 2^120 wide`,
    });
  }
  assert.throws(() => chooseQuantParams({ low: 2, high: 1 }, 8), {
    name: "RangeError",
    message: "Cannot quantize values from 2 to 1: the range must not end below where it begins",
  });
  assert.throws(() => chooseQuantParams({ low: 0, high: 3e38 }, 8, "fc2"), {
    name: "RangeError",
    message:
      'Cannot quantize values of "fc2" from 0 to 3e+38: the range must be finite and at most ' +
      "2^120 wide",
  });
});

Deno.test("quantize() undoes dequantize() for every integer of a grid", () => {
  fc.assert(fc.property(grid, fc.nat(), (g, n) => {
    const q = n % (g.qMax + 1);
    return quantize(dequantize(q, g), g) === q;
  }));
  for (let b = 1; b <= 10; b++) {
    const g = chooseQuantParams({ low: -0.37, high: 1.1 }, b);
    for (let q = 0; q <= g.qMax; q++) assert.equal(quantize(dequantize(q, g), g), q);
  }
});

Deno.test("quantize() and dequantize() move a value in range by half a step at most", () => {
  fc.assert(
    fc.property(range, bits, fc.double({ min: 0, max: 1, noNaN: true }), (r, b, t) => {
      const g = chooseQuantParams(r, b);
      // the zero point is rounded, so the grid may end half a step inside the range
      const lowest = dequantize(g.qMin, g) - g.scale / 2;
      const highest = dequantize(g.qMax, g) + g.scale / 2;
      const x = fround(r.low + t * (r.high - r.low));
      if (x < lowest || x > highest) return true;
      const error = Math.abs(dequantize(quantize(x, g), g) - x);
      // x * inverseScale carries two roundings of its own
      return error <= g.scale / 2 + 2 ** -22 * Math.abs(x);
    }),
    { numRuns: 500 },
  );
});

Deno.test("quantize() clips beyond the grid", () => {
  const g = chooseQuantParams({ low: -1, high: 1 }, 4);
  for (const x of [1e9, 1e38, Infinity]) {
    assert.equal(quantize(x, g), g.qMax);
    assert.equal(quantize(-x, g), g.qMin);
  }
});

Deno.test("fakeQuantize() on the GPU equals quantize() and dequantize() bit for bit", async () => {
  const device = await testDevice();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(range, bits), { minLength: 1, maxLength: 3 }),
      fc.array(real, { minLength: 1, maxLength: 40 }),
      async (channels, values) => {
        using _scope = device.scope();
        const grids = channels.map(([r, b]) => chooseQuantParams(r, b));
        const inner = values.length;
        const x = new Float32Array(grids.flatMap(() => values));
        const found = await read(
          fakeQuantize(tensor(device, x), uploadGrids(device, grids, inner)),
        );
        const wanted = x.map((value, i) => {
          const g = grids[Math.floor(i / inner)];
          return dequantize(quantize(value, g), g);
        });
        // -0 and 0 are the same number; every other number has one representation
        return found.every((value, i) => value === wanted[i]);
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("rangesOf() finds each channel's smallest and largest value", () => {
  const values = new Float32Array([3, -1, 2, 7, 7, 7]);
  assert.deepEqual(rangesOf(values, 1), [{ low: -1, high: 7 }]);
  assert.deepEqual(rangesOf(values, 2), [{ low: -1, high: 3 }, { low: 7, high: 7 }]);
});

Deno.test("rangesOf() refuses channels that do not divide, and values that are not finite", () => {
  assert.throws(() => rangesOf(new Float32Array(5), 2), {
    name: "RangeError",
    message: "Cannot find the ranges of 5 values: they must fall into 2 channels of equal length",
  });
  assert.throws(() => rangesOf(new Float32Array([1, 2, NaN]), 1), {
    name: "RangeError",
    message: "Cannot find the range: its values must be finite: element 2 is NaN",
  });
  assert.throws(() => rangesOf(new Float32Array([1, 2, -Infinity, 0]), 2, "fc1.weight"), {
    name: "RangeError",
    message:
      'Cannot find the range of "fc1.weight": its values must be finite: element 2 is -Infinity',
  });
});
