import assert from "node:assert/strict";
import {
  chooseQuantParams,
  dequantize,
  dequantizeWeight,
  type QuantizedWeight,
} from "../../../compression/mod.ts";

const affine = chooseQuantParams({ low: -1, high: 3 }, 2);
const weight: QuantizedWeight = {
  shape: [2, 2],
  groupSize: 2,
  grids: [affine, { kind: "codebook", levels: new Float32Array([-0.5, 0, 0.5]) }],
  codes: new Int32Array([0, 3, 2, 0]),
};

Deno.test("dequantizeWeight() reads every group on its own grid", () => {
  assert.deepEqual([...dequantizeWeight(weight)], [
    dequantize(0, affine),
    dequantize(3, affine),
    0.5,
    -0.5,
  ]);
});

Deno.test("dequantizeWeight() refuses codes that are not on their grid, and missing grids", () => {
  assert.throws(
    () => dequantizeWeight({ ...weight, codes: new Int32Array([0, 4, 0, 0]) }),
    new RangeError("Cannot dequantize: code 1 must be from 0 to 3: it is 4"),
  );
  assert.throws(
    () => dequantizeWeight({ ...weight, codes: new Int32Array([0, 0, 0, 3]) }),
    /code 3 must be from 0 to 2: it is 3/,
  );
  assert.throws(() => dequantizeWeight({ ...weight, grids: [affine] }), /every 2 need a grid/);
});
