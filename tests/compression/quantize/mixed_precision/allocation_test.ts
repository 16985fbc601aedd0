import assert from "node:assert/strict";
import {
  type AffineGridSpec,
  allocateExactly,
  allocateGreedily,
  allocationFront,
  type BitAllocation,
  chooseWeightGrids,
  coordinateDescent,
  hqq,
  type LayerChoices,
  packedBytes,
  paretoFront,
  roundToGrids,
  type WeightGridOptions,
  type WeightGridSpec,
} from "../../../../compression/mod.ts";
import {
  hardenRounding,
  neighborsOf,
} from "../../../../compression/quantize/methods/neighbor_levels.ts";
import fc from "../../../support/fast_check.ts";
import { hessianOf } from "../methods/random_hessian.ts";

const choice = fc.record({
  bits: fc.integer({ min: 1, max: 16 }),
  bytes: fc.integer({ min: 0, max: 60 }),
  sensitivity: fc.integer({ min: -20, max: 1000 }).map((n) => n / 64), // sums are exact in any order
});

const someLayers: fc.Arbitrary<LayerChoices[]> = fc.array(
  fc.array(choice, { minLength: 1, maxLength: 4 }),
  { minLength: 1, maxLength: 5 },
).map((all) => all.map((choices, i) => ({ layer: `fc${i}`, choices })));

const leastOf = (layers: readonly LayerChoices[]): number =>
  layers.reduce((sum, { choices }) => sum + Math.min(...choices.map(({ bytes }) => bytes)), 0);

/** Every allocation there is. */
function everyAllocation(layers: readonly LayerChoices[]): BitAllocation[] {
  return layers.reduce<BitAllocation[]>(
    (partials, { layer, choices }) =>
      partials.flatMap((partial) =>
        choices.map(({ bits, bytes, sensitivity }) => ({
          bits: { ...partial.bits, [layer]: bits },
          bytes: partial.bytes + bytes,
          sensitivity: partial.sensitivity + sensitivity,
        }))
      ),
    [{ bits: {}, bytes: 0, sensitivity: 0 }],
  );
}

Deno.test("allocateExactly() finds what trying everything finds", () => {
  fc.assert(fc.property(someLayers, fc.nat(120), (layers, extra) => {
    const budget = leastOf(layers) + extra;
    const within = everyAllocation(layers).filter(({ bytes }) => bytes <= budget);
    const found = allocateExactly(layers, budget);
    const sensitivity = Math.min(...within.map((one) => one.sensitivity));
    assert.equal(found.sensitivity, sensitivity);
    const bytes = within.filter((one) => one.sensitivity === sensitivity).map((one) => one.bytes);
    assert.equal(found.bytes, Math.min(...bytes));
  }));
});

Deno.test("allocateExactly() is never worse than allocateGreedily(), and both keep to the budget", () => {
  fc.assert(fc.property(someLayers, fc.nat(120), (layers, extra) => {
    const budget = leastOf(layers) + extra;
    const greedy = allocateGreedily(layers, budget);
    const exact = allocateExactly(layers, budget);
    assert.ok(exact.sensitivity <= greedy.sensitivity);
    assert.ok(exact.bytes <= budget && greedy.bytes <= budget);
  }));
});

Deno.test("allocateGreedily() misses what only two layers together can pay", () => {
  const layers = [
    {
      layer: "a",
      choices: [{ bits: 2, bytes: 0, sensitivity: 10 }, { bits: 4, bytes: 3, sensitivity: 0 }],
    },
    {
      layer: "b",
      choices: [{ bits: 2, bytes: 0, sensitivity: 9 }, { bits: 4, bytes: 2, sensitivity: 2 }],
    },
    {
      layer: "c",
      choices: [{ bits: 2, bytes: 0, sensitivity: 9 }, { bits: 4, bytes: 2, sensitivity: 2.5 }],
    },
  ];
  assert.deepEqual(allocateExactly(layers, 4).bits, { a: 2, b: 4, c: 4 });
  assert.equal(allocateExactly(layers, 4).sensitivity, 14.5);
  assert.deepEqual(allocateGreedily(layers, 3).bits, { a: 2, b: 4, c: 2 });
  assert.deepEqual(allocateExactly(layers, 3).bits, { a: 4, b: 2, c: 2 });
});

Deno.test("allocationFront() holds exactly the allocations that nothing dominates", () => {
  fc.assert(fc.property(someLayers, (layers) => {
    const all = everyAllocation(layers);
    const front = allocationFront(layers);
    for (const { bytes, sensitivity } of front) {
      const dominates = (other: BitAllocation) =>
        other.bytes <= bytes && other.sensitivity <= sensitivity &&
        (other.bytes < bytes || other.sensitivity < sensitivity);
      assert.ok(!all.some(dominates));
    }
    for (const other of all) {
      assert.ok(
        front.some(({ bytes, sensitivity }) =>
          bytes <= other.bytes && sensitivity <= other.sensitivity
        ),
      );
    }
  }));
});

Deno.test("paretoFront() has no dominated point, and a point at least as good for each left out", () => {
  const point = fc.record({ bytes: fc.nat(20), accuracy: fc.nat(20) });
  fc.assert(fc.property(fc.array(point), (points) => {
    const front = paretoFront(points, (p) => p.bytes, (p) => p.accuracy);
    front.slice(1).forEach((p, i) => {
      assert.ok(p.bytes > front[i].bytes && p.accuracy > front[i].accuracy);
    });
    for (const p of points) {
      assert.ok(front.some((q) => q.bytes <= p.bytes && q.accuracy >= p.accuracy));
    }
    assert.ok(front.every((p) => points.includes(p)));
  }));
});

Deno.test("allocateExactly() and allocateGreedily() refuse what cannot be", () => {
  const layers = [{ layer: "fc1", choices: [{ bits: 2, bytes: 10, sensitivity: 1 }] }];
  for (const allocate of [allocateExactly, allocateGreedily]) {
    assert.throws(
      () => allocate(layers, 9),
      /^RangeError: Cannot allocate bits: the budget must be at least 10 bytes, what the smallest choices take: it is 9$/,
    );
    assert.throws(() => allocate([{ layer: "fc1", choices: [] }], 9), /"fc1" has none$/);
    assert.throws(
      () => allocate([{ layer: "fc1", choices: [{ bits: 2, bytes: 1, sensitivity: NaN }] }], 9),
      /"fc1" at 2 bits has 1 bytes and sensitivity NaN$/,
    );
  }
});

Deno.test("allocateExactly() copes with the layers of a deep network", () => {
  const layers = Array.from({ length: 20 }, (_, i) => ({
    layer: `conv${i}`,
    choices: [2, 3, 4, 5, 6, 8].map((bits) => ({
      bits,
      bytes: 54 * (1 + i) * bits + 16 * 5,
      sensitivity: (20 - i) / 4 ** bits,
    })),
  }));
  const budget = leastOf(layers) * 2;
  const exact = allocateExactly(layers, budget);
  assert.ok(exact.bytes <= budget);
  assert.ok(exact.sensitivity <= allocateGreedily(layers, budget).sensitivity);
});

Deno.test("packedBytes() counts codes, scales and zero points, and the levels of codebooks", () => {
  const values = Float32Array.from({ length: 6 * 10 }, (_, i) => Math.sin(i * i));
  const bytesOf = (options: WeightGridOptions) => {
    const grids = chooseWeightGrids(values, [6, 10], options);
    return packedBytes(roundToGrids(values, [6, 10], grids, "nearestEven"));
  };
  const affine = (bits: 3 | 4, symmetric: boolean) =>
    ({ kind: "affine", bits, symmetric }) as AffineGridSpec;
  assert.equal(bytesOf({ grid: affine(3, false), granularity: "tensor" }), (180 + 35 + 1) / 8);
  assert.equal(bytesOf({ grid: affine(4, false), granularity: "channel" }), (240 + 6 * 36) / 8);
  assert.equal(bytesOf({ grid: affine(4, false), granularity: { group: 5 } }), (240 + 12 * 36) / 8);
  assert.equal(bytesOf({ grid: affine(4, true), granularity: "channel" }), (240 + 6 * 32) / 8);
  assert.equal(
    bytesOf({ grid: { kind: "lloydMax", bits: 2 }, granularity: "channel" }),
    (120 + 6 * 4 * 32) / 8,
  );
});

Deno.test("packedBytes() counts the numbers that levels follow from, where these are fewer", () => {
  const values = Float32Array.from({ length: 6 * 10 }, (_, i) => Math.sin(i * i));
  const bytesOf = (grid: WeightGridSpec, groups: 1 | 6) => {
    const granularity = groups === 1 ? "tensor" : "channel";
    const grids = chooseWeightGrids(values, [6, 10], { grid, granularity } as WeightGridOptions);
    return packedBytes(roundToGrids(values, [6, 10], grids));
  };
  for (const groups of [1, 6] as const) {
    const packed = (bits: number) => Math.ceil((60 * bits + groups * 32) / 8);
    assert.equal(bytesOf({ kind: "ternary" }, groups), packed(2));
    assert.equal(bytesOf({ kind: "binary" }, groups), packed(1));
    assert.equal(bytesOf({ kind: "powersOfTwo", bits: 4 }, groups), packed(4));
    assert.equal(bytesOf({ kind: "additivePowersOfTwo", bits: 5 }, groups), packed(5));
  }
  for (const bits of [1, 3, 8] as const) {
    const found = hqq(values, [6, 10], { bits, granularity: { group: 5 } });
    assert.equal(packedBytes(found), Math.ceil((60 * bits + 12 * 2 * 32) / 8), `${bits} bits`);
    const ones = new Float32Array(12).fill(1.5);
    const { v, codes } = neighborsOf(values, [6, 10], found.grids);
    const scaled = hardenRounding([6, 10], found.grids, codes, v, ones, "w");
    assert.equal(packedBytes(scaled), packedBytes(found), "a scale scales it still");
  }
});

Deno.test("packedBytes() counts one magnitude of three levels, all levels of a free codebook", () => {
  const values = Float32Array.from({ length: 4 * 12 }, (_, i) => Math.sin(i * i));
  const inputs = Float32Array.from({ length: 40 * 12 }, (_, i) => Math.cos(i * i));
  const hessian = hessianOf(inputs, 12);
  const grids = chooseWeightGrids(values, [4, 12], {
    grid: { kind: "ternary" },
    granularity: "channel",
  });
  const begun = roundToGrids(values, [4, 12], grids);
  const fitted = coordinateDescent(values, begun, hessian, { sweeps: 4 });
  for (const ternary of [begun, fitted]) {
    assert.equal(packedBytes(ternary), (48 * 2 + 4 * 32) / 8);
  }
  const free = begun.grids.map((grid) => {
    assert.ok(grid.kind === "codebook");
    return { kind: grid.kind, levels: grid.levels };
  });
  const moved = coordinateDescent(values, { ...begun, grids: free }, hessian, { sweeps: 4 });
  assert.equal(packedBytes(moved), (48 * 2 + 4 * 3 * 32) / 8);
});
