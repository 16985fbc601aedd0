import assert from "node:assert/strict";
import fc from "../support/fast_check.ts";
import { backward, fakeQuantizeToCodebook, uploadCodebooks } from "../../autograd/mod.ts";
import {
  chooseWeightGrids,
  type CodebookGrid,
  dequantizeWeight,
  roundToGrids,
  type WeightGridOptions,
} from "../../compression/mod.ts";
import { read, tensor } from "../../gpu/mod.ts";
import { testDevice } from "../support/device.ts";

const X = [-2, -1, -0.51, -0.5, 0.2, 0.25, 1.2, 1.25, 2, 2.01];
const LEVELS = new Float32Array([-1, 0, 0.5, 2]);

Deno.test("fakeQuantizeToCodebook() takes the nearest level, of two equally near ones the higher", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const y = fakeQuantizeToCodebook(
    tensor(device, X, [2, 5]),
    uploadCodebooks(device, [LEVELS], 10),
  );
  assert.deepEqual(y.shape, [2, 5]);
  assert.deepEqual([...await read(y)], [-1, -1, -1, 0, 0, 0.5, 0.5, 2, 2, 2]);
});

Deno.test("fakeQuantizeToCodebook() passes the gradient between the lowest and the highest level", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, X);
  const seed = tensor(device, X.map((_, i) => i + 1));
  const y = fakeQuantizeToCodebook(x, uploadCodebooks(device, [LEVELS], 10));
  const gradient = await read(backward(y, [x], { seed }).get(x)!);
  assert.deepEqual([...gradient], X.map((value, i) => -1 <= value && value <= 2 ? i + 1 : 0));
});

Deno.test("fakeQuantizeToCodebook() rounds as the host does, with a codebook of any length a channel", async () => {
  const device = await testDevice();
  const kinds: WeightGridOptions[] = [
    { grid: { kind: "binary" }, granularity: "channel" },
    { grid: { kind: "ternary" }, granularity: "channel" },
    { grid: { kind: "lloydMax", bits: 3 }, granularity: "channel" },
    { grid: { kind: "powersOfTwo", bits: 4 }, granularity: "channel" },
    { grid: { kind: "additivePowersOfTwo", bits: 5 }, granularity: "channel" },
  ];
  const row = fc.array(fc.double({ min: -2, max: 2, noNaN: true }), {
    minLength: 7,
    maxLength: 7,
  });
  const normal = (x: number) => Math.abs(x) < 2 ** -126 ? 0 : x; // adapters may flush subnormals
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 3 }), async (rows) => {
      using _scope = device.scope();
      const values = Float32Array.from(rows.flat(), (x) => normal(Math.fround(x)));
      const shape = [rows.length, 7];
      const grids = kinds.map((options) => chooseWeightGrids(values, shape, options));
      // a population: one network a kind of grid
      const x = tensor(device, kinds.flatMap(() => [...values]), [kinds.length, ...shape]);
      const levels = grids.flat().map((grid) => (grid as CodebookGrid).levels);
      const found = await read(fakeQuantizeToCodebook(x, uploadCodebooks(device, levels, 7)));
      const wanted = grids.flatMap((some) => [
        ...dequantizeWeight(roundToGrids(values, shape, some)),
      ]);
      assert.deepEqual(Array.from(found, (y) => y + 0), wanted.map((y) => y + 0));
    }),
    { numRuns: 30 },
  );
});

Deno.test("fakeQuantizeToCodebook() refuses what does not fit, and levels that do not ascend", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  assert.throws(
    () => fakeQuantizeToCodebook(tensor(device, [1, 2, 3]), uploadCodebooks(device, [LEVELS], 2)),
    new RangeError(
      "Cannot fake-quantize x as it must hold whole groups of 1 channels x 2 elements: current shape " +
        "is [3]",
    ),
  );
  assert.throws(
    () => uploadCodebooks(device, [LEVELS, new Float32Array([1, 1])], 2),
    new RangeError(
      "Cannot pack codebooks: each must have ascending levels: codebook 1 is [1, 1]",
    ),
  );
  assert.throws(() => uploadCodebooks(device, [], 2), /there is none/);
});
