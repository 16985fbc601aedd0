import assert from "node:assert/strict";
import {
  accumulatorBound,
  additivePowersOfTwoGrid,
  affineGrid,
  binaryGrid,
  chooseQuantParams,
  dequantizeWeight,
  integerLayer,
  integerNetwork,
  integerWeight,
  lloydMaxGrid,
  powersOfTwoGrid,
  type PowersOfTwoGridSpec,
  quantizeBias,
  requantization,
  roundToGrids,
  ternaryGrid,
  type WeightGrid,
} from "../../../../compression/mod.ts";
import { fcNN, octizationOfCifar10, resnet } from "../../../../models/mod.ts";
import { toIntegers } from "../../../../training/mod.ts";
import fc from "../../../support/fast_check.ts";

const VALUES = new Float32Array([0.5, -0.25, 0.1, 0.75, -1, 0.3, 0.2, -0.6]);

function roundedTo(grids: readonly WeightGrid[]) {
  return roundToGrids(VALUES, [2, 4], grids);
}

Deno.test("integerWeight() stands for the same numbers, also where levels are listed", () => {
  const grids: WeightGrid[] = [
    chooseQuantParams({ low: -1, high: 0.75 }, 4),
    ternaryGrid(VALUES),
    binaryGrid(VALUES),
    powersOfTwoGrid({ low: -1, high: 0.75 }, { kind: "powersOfTwo", bits: 4 }),
  ];
  for (const grid of grids) {
    const rounded = roundedTo([grid]);
    const { codes, zeroPoints, scales } = integerWeight(rounded);
    const values = dequantizeWeight(rounded);
    codes.forEach((code, i) => {
      const o = Math.floor(i / 4);
      assert.equal(Math.fround((code - zeroPoints[o]) * scales[o]), values[i]);
    });
  }
});

Deno.test("integerWeight() takes powers of two as far as their multiples fit an int32", () => {
  const weightOf = (bits: PowersOfTwoGridSpec["bits"]) =>
    roundedTo([powersOfTwoGrid({ low: -1, high: 0.75 }, { kind: "powersOfTwo", bits })]);
  for (const bits of [2, 3, 4, 5, 6] as const) {
    const { codes, scales } = integerWeight(weightOf(bits));
    const values = Array.from(codes, (code, i) => code * scales[Math.floor(i / 4)]);
    assert.deepEqual(values, [...dequantizeWeight(weightOf(bits))], `${bits} bits`);
  }
  for (const bits of [7, 8] as const) {
    assert.throws(
      () => integerWeight(weightOf(bits)),
      /^RangeError: Cannot compute with integers: levels must be at most 2\^31 - 1 times the smallest: one of output 0 is -\d+(\.\d+e\+\d+)? times \d+\.\d+e-\d+$/,
    );
  }
});

Deno.test("integerWeight() takes sums of powers of two whose scale is a power of two too", () => {
  for (const bits of [2, 3, 4, 5, 8, 16] as const) {
    const range = { low: -1, high: 0.75 };
    const spec = { kind: "additivePowersOfTwo", bits, scale: "powerOfTwo" } as const;
    const weight = roundedTo([additivePowersOfTwoGrid(range, spec)]);
    const { codes, scales } = integerWeight(weight);
    assert.ok(Number.isInteger(Math.log2(scales[0])), `${bits} bits`);
    const values = Array.from(codes, (code, i) => code * scales[Math.floor(i / 4)]);
    assert.deepEqual(values, [...dequantizeWeight(weight)], `${bits} bits`);
  }
});

Deno.test("integerWeight() gives each output the grid of its channel", () => {
  const grids = [
    chooseQuantParams({ low: -1, high: 1 }, 2),
    chooseQuantParams(
      { low: -2, high: 1 },
      8,
    ),
  ];
  const { zeroPoints, scales } = integerWeight(roundedTo(grids));
  assert.deepEqual([...zeroPoints], grids.map(({ zeroPoint }) => zeroPoint));
  assert.deepEqual([...scales], grids.map(({ scale }) => scale));
});

Deno.test("integerWeight() refuses groups within an output, and levels without a common step", () => {
  const grid = affineGrid({ low: -1, high: 1 }, { kind: "affine", bits: 4, symmetric: true });
  assert.throws(
    () => integerWeight(roundedTo([grid, grid, grid, grid])),
    /^RangeError: Cannot compute with integers: all weights of an output must share a grid: there are 2 groups of 2 in an output$/,
  );
  assert.throws(
    () => integerWeight(roundedTo([lloydMaxGrid(VALUES, 2)])),
    /^RangeError: Cannot compute with integers: the levels of output 0 must be whole multiples/,
  );
});

Deno.test("quantizeBias() rounds to the accumulator's unit, ties to even, and refuses what is too large", () => {
  const scales = new Float32Array([0.5, 0.5, 0.5, 0.25]);
  const bias = new Float32Array([0.375, 0.125, -0.125, -1]);
  assert.deepEqual([...quantizeBias(bias, 0.5, scales)], [2, 0, -0, -8].map((q) => q + 0));
  assert.throws(
    () => quantizeBias(new Float32Array([1e10]), 0.5, new Float32Array([0.5])),
    /^RangeError: Cannot quantize a bias: in units of the accumulator it must fit an int32/,
  );
});

Deno.test("accumulatorBound() is reached by the worst input of one sign and by no other", () => {
  fc.assert(fc.property(
    fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 8, maxLength: 8 }),
    fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 4, maxLength: 4 }),
    (codes, x) => {
      const grid = chooseQuantParams({ low: -3, high: 5 }, 4);
      const inputGrid = chooseQuantParams({ low: -1, high: 6 }, 3);
      const rounded = { shape: [2, 4], groupSize: 8, grids: [grid], codes: Int32Array.from(codes) };
      const weight = integerWeight(rounded);
      const bias = Int32Array.of(5, -7);
      const bound = accumulatorBound(weight, bias, inputGrid);
      const centered = (code: number) => code - grid.zeroPoint;
      const sums = [0, 1].map((o) =>
        x.reduce(
          (sum, q, i) => sum + (q - inputGrid.zeroPoint) * centered(codes[4 * o + i]),
          bias[o],
        )
      );
      assert.ok(sums.every((sum) => Math.abs(sum) <= bound));
      const [low, high] = [0 - inputGrid.zeroPoint, 7 - inputGrid.zeroPoint];
      const worst = [0, 1].flatMap((o) =>
        [1, -1].map((sign) => {
          const products = codes.slice(4 * o, 4 * o + 4).map((code) =>
            Math.max(sign * centered(code) * low, sign * centered(code) * high)
          );
          return products.reduce((a, b) => a + b) + Math.abs(bias[o]);
        })
      );
      assert.equal(bound, Math.max(...worst));
    },
  ));
});

Deno.test("integerLayer() refuses accumulators beyond an int32, with the layer's name", () => {
  const weight = {
    shape: [1, 40_000],
    groupSize: 40_000,
    grids: [chooseQuantParams({ low: 0, high: 1 }, 8)],
    codes: new Int32Array(40_000).fill(255),
  };
  const layer = { layer: "fc9", weight, bias: new Float32Array(1), relu: false };
  assert.throws(
    () => integerLayer({ ...layer, inputGrid: chooseQuantParams({ low: 0, high: 1 }, 8) }),
    /^RangeError: Cannot compute layer "fc9" with integers: accumulators must fit an int32, at most 2147483647: sums may come to 2601000000; use fewer bits or fewer inputs$/,
  );
  const fewer = integerLayer({ ...layer, inputGrid: chooseQuantParams({ low: 0, high: 1 }, 7) });
  assert.equal(fewer.bias.length, 1);
});

Deno.test("integerLayer() names the layer in every refusal, and what of it is not finite", () => {
  const grid = chooseQuantParams({ low: -1, high: 1 }, 4);
  const refusalOf = (grids: readonly WeightGrid[], bias: readonly number[]) => {
    const layer = { layer: "fc9", inputGrid: grid, relu: false };
    const source = { ...layer, weight: roundedTo(grids), bias: new Float32Array(bias) };
    try {
      integerLayer(source);
    } catch (error) {
      assert.ok(error instanceof RangeError);
      return error.message;
    }
    return undefined;
  };
  const powers = powersOfTwoGrid({ low: -1, high: 1 }, { kind: "powersOfTwo", bits: 7 });
  const start = /^Cannot compute layer "fc9" with integers: /;
  assert.equal(refusalOf([grid], [0, 0]), undefined);
  assert.match(refusalOf([grid, grid, grid, grid], [0, 0])!, start);
  assert.match(refusalOf([lloydMaxGrid(VALUES, 2)], [0, 0])!, start);
  assert.match(refusalOf([powers], [0, 0])!, start);
  assert.match(refusalOf([grid], [0])!, start);
  assert.match(
    refusalOf([grid], [0, 1e20])!,
    /^Cannot quantize a bias of "fc9": in units of the accumulator it must fit an int32: /,
  );
  for (const bad of [NaN, Infinity]) {
    assert.equal(
      refusalOf([grid], [0, bad]),
      `Cannot quantize a bias of "fc9": its values must be finite: element 1 is ${bad}`,
    );
  }
});

Deno.test("requantization() folds a ReLU into the smallest code", () => {
  const grid = chooseQuantParams({ low: -1, high: 3 }, 4);
  assert.equal(requantization(new Float64Array([0.01]), grid, true).qMin, grid.zeroPoint);
  assert.equal(requantization(new Float64Array([0.01]), grid, false).qMin, 0);
});

Deno.test("integerNetwork() refuses no layers, and a last layer that gives no logits", () => {
  assert.throws(() => integerNetwork([4], []), /must have a layer/);
  const grid = chooseQuantParams({ low: -1, high: 1 }, 4);
  const last = { layer: "fc", weight: roundedTo([grid]), bias: new Float32Array(2) };
  assert.throws(
    () => integerNetwork([4], [{ ...last, inputGrid: grid, relu: true }]),
    /its last layer must give logits: "fc" is rectified/,
  );
});

Deno.test("integerNetwork() refuses multipliers of 2^30 and more, with the layer's name", () => {
  const [coarse, fine] = [2 ** 31, 1].map((high) => chooseQuantParams({ low: 0, high }, 1));
  const layer = { weight: roundedTo([chooseQuantParams({ low: -1, high: 1 }, 1)]), relu: false };
  const bias = new Float32Array(2);
  const networkOf = (inputGrid: typeof fine) =>
    integerNetwork([4], [
      { ...layer, layer: "fc1", bias, inputGrid },
      { ...layer, layer: "fc2", bias, inputGrid: fine },
    ]);
  assert.equal(networkOf(fine).steps.length, 2);
  assert.throws(
    () => networkOf(coarse),
    new RangeError(
      'Cannot compute layer "fc1" with integers: multipliers must be less than 2^30: that of output ' +
        "0 is 4294967296 / 1",
    ),
  );
});

Deno.test("toIntegers() refuses what stands between layers, and names what is missing", () => {
  const none = { parameters: {}, weights: {}, inputGrids: {} };
  const program = octizationOfCifar10({ inputShape: [3, 32, 32], classes: 10, bits: 8 }, "float32");
  assert.throws(
    () => toIntegers(program, none),
    /^RangeError: Cannot compute with integers: nothing but shortcuts, ReLU and pooling may stand between layers: of CNN .* something else does$/,
  );
  assert.throws(() => toIntegers(fcNN(), none), /the weight of "fc1" is missing$/);
  assert.throws(
    () => toIntegers(resnet(), none),
    /stand between layers: of ResNet-20 batch norms do$/,
  );
  const residual = resnet({ depth: 8, width: 4, folded: true });
  const weights = Object.fromEntries(
    residual.layers.map((layer) => [`${layer}.weight`, roundedTo([binaryGrid(VALUES)])]),
  );
  assert.throws(
    () => toIntegers(residual, { ...none, weights }),
    /the bias of "conv1" is missing$/,
  );
});
