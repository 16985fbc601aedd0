import assert from "node:assert/strict";
import {
  chooseQuantParams,
  dequantize,
  dynamicRange,
  quantize,
} from "../../../../compression/mod.ts";
import { read, readAll, tensor } from "../../../../gpu/mod.ts";
import { testDevice } from "../../../support/device.ts";
import { normals } from "./random_hessian.ts";

function rangeOf(values: Float32Array): { low: number; high: number } {
  return { low: Math.min(...values), high: Math.max(...values) };
}

Deno.test("dynamicRange() chooses the grids that the host would, bit for bit", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const bits = [1, 2, 3, 4, 5, 6, 7, 8, 16];
  const inner = 5001; // more than one part of a reduction
  const x = normals(bits.length * inner, 6).map((v, i) => v * 3 ** Math.floor(i / inner) - 1);
  const { scale, inverseScale, zeroPoint } = dynamicRange(device, bits)
    .grids(tensor(device, x, [bits.length, inner]));
  const [scales, inverses, zeros] = await readAll([scale, inverseScale, zeroPoint]);
  bits.forEach((b, n) => {
    const wanted = chooseQuantParams(rangeOf(x.subarray(n * inner, (n + 1) * inner)), b);
    assert.deepEqual(
      [scales[n], inverses[n], zeros[n]],
      [wanted.scale, wanted.inverseScale, wanted.zeroPoint],
    );
  });
});

Deno.test("dynamicRange() quantizes every batch by its own range, one input for many networks", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const bits = [2, 8];
  const { quantize: snap } = dynamicRange(device, bits);
  for (const factor of [1, 100]) {
    const x = normals(30, 2).map((v) => v * factor);
    const y = await read(snap(tensor(device, x, [1, 6, 5])));
    bits.forEach((b, n) => {
      const grid = chooseQuantParams(rangeOf(x), b);
      x.forEach((v, i) => assert.equal(y[n * 30 + i], dequantize(quantize(v, grid), grid)));
    });
  }
});

Deno.test("dynamicRange() makes NaN of a batch that is not finite, instead of clipping it", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { quantize: snap } = dynamicRange(device, [8]);
  for (const bad of [NaN, Infinity, -Infinity, 1e38]) {
    for (const [size, at] of [[3, 1], [3, 0], [1004, 900], [1001, 1000]]) {
      const x = normals(size, 5);
      x[at] = bad;
      const y = await read(snap(tensor(device, x, [1, size])));
      assert.ok(
        y.every(Number.isNaN),
        `${bad} at ${at} of ${size}: ${y.findIndex(Number.isFinite)}`,
      );
    }
  }
});

Deno.test("dynamicRange() refuses bits that do not exist, and networks without bits", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  assert.throws(() => dynamicRange(device, [8, 17]), RangeError);
  assert.throws(() => dynamicRange(device, []), RangeError);
  assert.throws(
    () => dynamicRange(device, [8, 4]).quantize(tensor(device, [1, 2, 3], [3, 1])),
    new RangeError("Cannot quantize activations of 3 networks: bits were given for 2"),
  );
});
