import assert from "node:assert/strict";
import {
  accumulatorBound,
  type AffineGrid,
  affineGrid,
  chooseQuantParams,
  integerLayer,
  type IntegerLayerSource,
  integerNetwork,
  integerProgram,
  integerShortcut,
  integerWeight,
  rescale,
} from "../../../../compression/mod.ts";
import { read, type Tensor, tensor } from "../../../../gpu/mod.ts";
import { testDevice } from "../../../support/device.ts";
import fc from "../../../support/fast_check.ts";

const GRID = chooseQuantParams({ low: -1, high: 1 }, 4);
const FINE = chooseQuantParams({ low: 0, high: 1e-3 }, 8);

/** One output of one input, whose code and scale are those given. */
function convolution(
  layer: string,
  step: number,
  inputGrid: AffineGrid,
): Omit<IntegerLayerSource, "shortcut" | "globalAverage"> {
  const grid = affineGrid({ low: -step, high: step }, { kind: "affine", bits: 2, symmetric: true });
  const weight = { shape: [1, 1, 1, 1], groupSize: 1, grids: [grid], codes: Int32Array.of(1) };
  const geometry = { stride: 1, padding: 0, groups: 1 };
  return { layer, weight, bias: new Float32Array(1), inputGrid, relu: true, convolution: geometry };
}

const LAST: IntegerLayerSource = {
  ...convolution("last", 1, GRID),
  relu: false,
};

Deno.test("accumulatorBound() holds whatever a shortcut and a sum over positions add", () => {
  const magnitude = fc.double({ min: 1e-4, max: 1, noNaN: true });
  fc.assert(fc.property(
    fc.tuple(magnitude, magnitude, magnitude).map((all) => all.map(Math.fround)),
    fc.integer({ min: 1, max: 64 }),
    fc.boolean(),
    ([step, high, around], positions, isFixed) => {
      const source = convolution("conv2", step, chooseQuantParams({ low: -high, high }, 8));
      const weight = integerWeight(source.weight);
      const unit = Float64Array.of(weight.scales[0] * source.inputGrid.scale);
      const grid = chooseQuantParams({ low: -around, high: around / 3 }, 8);
      const shortcut = integerShortcut({ from: "conv1", grid, channels: 1 }, unit, "conv2");
      const tail = { shortcut, globalAverage: positions };
      const bound = accumulatorBound(weight, Int32Array.of(-5), source.inputGrid, tail);
      const kind = isFixed ? "fixedPoint" : "float";
      const most = Math.max(
        ...[grid.qMin, grid.qMax].map((q) =>
          Math.abs(rescale(q - grid.zeroPoint, 0, shortcut, kind))
        ),
      );
      const { qMin, qMax, zeroPoint } = source.inputGrid;
      const product = Math.max(qMax - zeroPoint, zeroPoint - qMin);
      assert.ok(positions * (product + 5 + most) <= bound);
      // no more than twice too careful; beyond an int32, which is refused, shifts saturate
      const careful = positions * (product + 5 + 2 * most + 2 * 255);
      assert.ok(bound > 2 ** 31 - 1 || bound <= careful);
    },
  ));
});

Deno.test("integerLayer() refuses a shortcut or a sum that may leave an int32, and what has no positions", () => {
  const source = convolution("conv2", 1e-6, FINE);
  const wide = chooseQuantParams({ low: 0, high: 100 }, 8);
  assert.throws(
    () => integerLayer({ ...source, shortcut: { from: "conv1", grid: wide, channels: 1 } }),
    /^RangeError: Cannot compute layer "conv2" with integers: multipliers must be less than 2\^30: that of output 0 is 0\.39\d+ \/ \d/,
  );
  const narrower = chooseQuantParams({ low: 0, high: 0.01 }, 8);
  assert.throws(
    () => integerLayer({ ...source, shortcut: { from: "conv1", grid: narrower, channels: 1 } }),
    /^RangeError: Cannot compute layer "conv2" with integers: accumulators must fit an int32, at most 2147483647: sums may come to \d+;/,
  );
  const many = integerLayer({ ...source, globalAverage: 2 ** 20 });
  assert.equal(many.globalAverage, 2 ** 20);
  assert.throws(
    () => integerLayer({ ...source, globalAverage: 2 ** 24 }),
    /"conv2" with integers: accumulators must fit an int32/,
  );
  const { convolution: _none, ...linear } = source;
  for (
    const tail of [{ globalAverage: 4 }, { shortcut: { from: "conv1", grid: GRID, channels: 1 } }]
  ) {
    assert.throws(
      () => integerLayer({ ...linear, ...tail }),
      /^RangeError: Cannot compute layer "conv2" with integers: a shortcut or a mean over positions must follow a convolution: it is linear$/,
    );
  }
});

Deno.test("integerShortcut() leaves channels of zeros alone, however fine their accumulators are", () => {
  const source = { from: "conv1", grid: FINE, channels: 2 };
  const units = Float64Array.of(1e-30, 0.5, FINE.scale, 1e-30);
  const { multipliers, fixedPoints } = integerShortcut(source, units, "conv2");
  assert.deepEqual([...multipliers], [0, Math.fround(FINE.scale / 0.5), 1, 0]);
  assert.deepEqual(fixedPoints.map(({ mantissa }) => mantissa > 0), [false, true, true, false]);
  for (const channels of [3, 5]) {
    assert.throws(
      () => integerShortcut({ ...source, channels }, units, "conv2"),
      new RangeError(
        'Cannot compute layer "conv2" with integers: channels of zeros must stand half on either side of ' +
          `its shortcut: it goes from ${channels} to 4 channels`,
      ),
    );
  }
});

Deno.test("integerNetwork() refuses shortcuts from nowhere, and behind the last layer", () => {
  const first = convolution("conv1", 1, GRID);
  const shortcut = (from: string) => ({ shortcut: { from, grid: GRID, channels: 1 } });
  const networkOf = (from: string) =>
    integerNetwork([1, 2, 2], [{ ...first, ...shortcut(from) }, LAST]);
  assert.equal(networkOf("conv1").steps.length, 2);
  assert.throws(
    () => networkOf("last"),
    /^RangeError: Cannot compute layer "conv1" with integers: its shortcut must be the input of an earlier layer, or its own: it is that of "last"$/,
  );
  assert.throws(
    () => integerNetwork([1, 2, 2], [first, { ...LAST, ...shortcut("conv1") }]),
    /must give logits: "last" is fed by a shortcut$/,
  );
  assert.throws(
    () => integerNetwork([1, 2, 2], [first, { ...LAST, globalAverage: 4 }]),
    /must give logits: "last" is pooled$/,
  );
});

Deno.test("integerProgram() refuses a mean of other positions than there are", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const first = { ...convolution("conv1", 1, GRID), globalAverage: 3 };
  const { convolution: _none, ...linear } = LAST;
  const last = { ...linear, weight: { ...LAST.weight, shape: [1, 1] } };
  const program = integerProgram(device, integerNetwork([1, 2, 2], [first, last]));
  assert.throws(
    () => program.forward(tensor(device, new Float32Array(4), [1, 1, 4])),
    /^RangeError: Cannot compute layer "conv1" with integers: the mean must be of all positions, 2 x 2: it is of 3$/,
  );
});

Deno.test("integerProgram() refuses a shortcut of other sizes than what it is added to", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const first = {
    ...convolution("conv1", 1, GRID),
    convolution: { stride: 2, padding: 0, groups: 1 },
    shortcut: { from: "conv1", grid: GRID, channels: 1 },
  };
  const program = integerProgram(device, integerNetwork([1, 4, 4], [first, LAST]));
  assert.throws(
    () => program.forward(tensor(device, new Float32Array(16), [1, 1, 16])),
    new RangeError(
      'Cannot compute layer "conv1" with integers: its shortcut must give as many rows and columns as it ' +
        "has, 2 x 2: it gives 4 x 4",
    ),
  );
});

for (const kind of ["float", "fixedPoint"] as const) {
  Deno.test(`integerProgram() passes a block on whose last weights are all 0, and biases alone, ${kind}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const [coarse, fine] = [255, 2.55].map((high) => chooseQuantParams({ low: 0, high }, 8));
    const idle = {
      shape: [1, 1, 1, 1],
      groupSize: 1,
      grids: [GRID],
      codes: Int32Array.of(GRID.zeroPoint),
    };
    const first = { ...convolution("conv1", 1, fine), shortcut: undefined };
    const block = {
      ...convolution("conv2", 1, coarse),
      weight: idle,
      bias: new Float32Array([0.04]),
      shortcut: { from: "conv1", grid: fine, channels: 1 },
    };
    const { convolution: _none, ...last } = { ...LAST, inputGrid: fine };
    const logits = { ...last, weight: { ...idle, shape: [1, 1] }, bias: new Float32Array([0.125]) };
    const layers = [first, { ...block, globalAverage: 2 }, logits];
    const program = integerProgram(device, integerNetwork([1, 1, 2], layers));
    const codes: Tensor[] = [];
    const y = program.forward(tensor(device, new Float32Array([0.4, 2.3]), [1, 1, 2]), {
      requantization: kind,
      layerInput: (_layer, q) => codes.push(q),
    });
    assert.deepEqual([...await read(codes[2])], [Math.round((1.35 + 0.04) / 0.01)]);
    assert.deepEqual([...await read(y)], [0.125]);
  });
}
