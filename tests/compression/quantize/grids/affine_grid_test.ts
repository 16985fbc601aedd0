import assert from "node:assert/strict";
import fc from "../../../support/fast_check.ts";
import {
  affineGrid,
  type AffineGridSpec,
  type Bits,
  valueOf,
} from "../../../../compression/mod.ts";

const ranges = fc.tuple(
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
).map(([a, b]) => ({ low: Math.min(a, b), high: Math.max(a, b) }));
const severalBits = fc.integer({ min: 2, max: 16 }).map((bits) => bits as Exclude<Bits, 1>);

Deno.test("affineGrid() of a symmetric grid is the finest that clips nothing", () => {
  const spec = { kind: "affine", bits: 3, symmetric: true } as const;
  assert.deepEqual(affineGrid({ low: -4, high: 2 }, spec), {
    kind: "affine",
    scale: 1,
    inverseScale: 1,
    zeroPoint: 0,
    qMin: -4,
    qMax: 3,
  });
  assert.equal(affineGrid({ low: -4, high: 6 }, spec).scale, 2);
  const narrow = affineGrid({ low: -6, high: 2 }, { ...spec, narrow: true });
  assert.deepEqual([narrow.qMin, narrow.qMax, narrow.scale], [-3, 3, 2]);
});

Deno.test("affineGrid() of a symmetric grid reaches both ends of the range", () => {
  fc.assert(fc.property(ranges, severalBits, fc.boolean(), (range, bits, narrow) => {
    const grid = affineGrid(range, { kind: "affine", bits, symmetric: true, narrow });
    assert.equal(grid.zeroPoint, 0);
    const slack = 1e-6 * Math.max(-range.low, range.high);
    assert.ok(valueOf(grid.qMin, grid) <= range.low + slack);
    assert.ok(valueOf(grid.qMax, grid) >= range.high - slack);
  }));
});

Deno.test("affineGrid() rounds a scale up to a power of two, so that its reciprocal is exact", () => {
  fc.assert(fc.property(ranges, severalBits, fc.boolean(), (range, bits, symmetric) => {
    const spec = { kind: "affine", bits, symmetric } as AffineGridSpec;
    const any = affineGrid(range, spec);
    const power = affineGrid(range, { ...spec, scale: "powerOfTwo" });
    assert.ok(Number.isInteger(Math.log2(power.scale)), `${power.scale}`);
    assert.equal(power.scale * power.inverseScale, 1);
    assert.ok(any.scale <= power.scale && power.scale < 2 * any.scale);
    assert.ok(power.qMin <= power.zeroPoint && power.zeroPoint <= power.qMax);
  }));
});

Deno.test("affineGrid() of nothing but 0 has scale 1", () => {
  for (const scale of ["float", "powerOfTwo"] as const) {
    const spec = { kind: "affine", bits: 4, symmetric: true, scale } as const;
    assert.equal(affineGrid({ low: 0, high: 0 }, spec).scale, 1);
  }
});

Deno.test("affineGrid() refuses one symmetric bit, whose zero point would be 0.5", () => {
  // @ts-expect-error the combination does not type-check either
  const spec: AffineGridSpec = { kind: "affine", bits: 1, symmetric: true };
  assert.throws(
    () => affineGrid({ low: -1, high: 1 }, spec),
    new RangeError(
      "Cannot make a grid: a symmetric grid needs 2 bits or more, as its zero point would be 0.5: 1",
    ),
  );
});

Deno.test("affineGrid() refuses bits that do not exist, and narrow asymmetric grids do not type-check", () => {
  // @ts-expect-error 17 is not a width
  const wide: AffineGridSpec = { kind: "affine", bits: 17 };
  assert.throws(() => affineGrid({ low: 0, high: 1 }, wide), /must be a whole number from 1/);
  // @ts-expect-error narrow is for symmetric grids
  const narrow: AffineGridSpec = { kind: "affine", bits: 8, narrow: true };
  assert.throws(() => affineGrid({ low: 0, high: 1 }, narrow), /narrow/);
});
