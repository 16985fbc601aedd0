import assert from "node:assert/strict";
import {
  additivePowersOfTwoGrid,
  affineGrid,
  type Bits,
  chooseWeightGrids,
  gridMistakes,
  gridSpecMistakes,
  lloydMaxGrid,
  makeObserver,
  observerMistakes,
  type ObserverSpec,
  powersOfTwoGrid,
  type Range,
  type WeightGrid,
  type WeightGridOptions,
  type WeightGridSpec,
} from "../../../../compression/mod.ts";
import fc from "../../../support/fast_check.ts";

/** What a thrown error says; nothing if none was thrown. */
function messageOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof RangeError, `${error}`);
    return error.message;
  }
  return undefined;
}

function make(grid: WeightGridSpec, range: Range): WeightGrid | undefined {
  switch (grid.kind) {
    case "affine":
      return affineGrid(range, grid);
    case "powersOfTwo":
      return powersOfTwoGrid(range, grid);
    case "additivePowersOfTwo":
      return additivePowersOfTwoGrid(range, grid);
    case "lloydMax":
      return lloydMaxGrid(new Float32Array([range.low, range.high]), grid.bits);
  }
}

Deno.test("gridSpecMistakes() lists what making a grid refuses, and nothing else", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("affine", "powersOfTwo", "additivePowersOfTwo", "lloydMax"),
      fc.constantFrom(-1, 0, 1, 1.5, 2, 8, 9, 16, 17, NaN),
      fc.boolean(),
      fc.boolean(),
      (kind, bits, symmetric, narrow) => {
        const grid = { kind, bits, symmetric, narrow } as unknown as WeightGridSpec;
        const [mistake] = gridSpecMistakes(grid);
        const refusal = messageOf(() => make(grid, { low: -1, high: 1 }));
        assert.equal(refusal, mistake === undefined ? undefined : `Cannot make a grid: ${mistake}`);
      },
    ),
    { numRuns: 300 },
  );
});

const end = fc.oneof(
  fc.constantFrom(0, 1, -1, 2 ** 119, 2 ** 120, -(2 ** 120), 3e38, -3e38, 1e39, Infinity, NaN),
  fc.float(),
);
const observers: fc.Arbitrary<ObserverSpec> = fc.oneof(
  fc.record({ kind: fc.constant("fixed" as const), range: fc.record({ low: end, high: end }) }),
  fc.record({
    kind: fc.constant("percentile" as const),
    percentile: fc.constantFrom(0, 50, 50.1, 99.9, 100, 100.1, NaN),
  }),
);

Deno.test("gridMistakes() and observerMistakes() list what choosing refuses, and nothing else", () => {
  const grid = { kind: "affine", bits: 4 } as const;
  fc.assert(
    fc.property(observers, (observer) => {
      const [mistake] = observerMistakes(observer);
      const options = { grid, granularity: "tensor", observer } as WeightGridOptions;
      assert.deepEqual(gridMistakes(options), mistake === undefined ? [] : [mistake]);
      const weight = new Float32Array([-1, 0.5, 2]);
      assert.equal(
        messageOf(() => chooseWeightGrids(weight, [1, 3], options)),
        mistake && `Cannot choose affine grids for a weight: ${mistake}`,
      );
      const refusal = messageOf(() => makeObserver(observer, { label: "fc1", grid }));
      assert.equal(refusal, mistake && `Cannot find the range of "fc1": ${mistake}`);
    }),
    { numRuns: 300 },
  );
});

Deno.test("entropy is refused from 12 bits on, where it has no bins to choose from", () => {
  const values = Float32Array.from({ length: 20_001 }, (_, i) => i === 0 ? 1.9 : Math.sin(i));
  const rangeAt = (bits: Bits) => {
    const observer = makeObserver({ kind: "entropy" }, {
      label: "fc1",
      grid: { kind: "affine", bits },
    });
    observer.observe(values, [values.length]);
    return observer.observed().range;
  };
  assert.ok(rangeAt(11).high < 1.1);
  const grid = { kind: "affine", bits: 12 } as const;
  const reason = "entropy looks at 2048 bins, enough for at most 11 bits: 12";
  const options = { grid, granularity: "tensor", observer: { kind: "entropy" } } as const;
  assert.deepEqual(gridMistakes(options), [reason]);
  assert.equal(
    messageOf(() => chooseWeightGrids(values, [1, values.length], options)),
    `Cannot choose affine grids for a weight: ${reason}`,
  );
  assert.equal(messageOf(() => rangeAt(12)), `Cannot find the range of "fc1": ${reason}`);
});

Deno.test("observerMistakes() refuses a fixed range as wide as no grid is", () => {
  assert.deepEqual(observerMistakes({ kind: "fixed", range: { low: 0, high: 3e38 } }), [
    "a fixed range must be finite and at most 2^120 wide: from 0 to 3e+38",
  ]);
});
