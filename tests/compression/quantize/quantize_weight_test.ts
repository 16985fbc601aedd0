import assert from "node:assert/strict";
import {
  type AffineGrid,
  chooseQuantParams,
  dequantize,
  type Granularity,
  quantize,
  quantizeWeight,
  rangesOf,
} from "../../../compression/mod.ts";
import { read, tensor } from "../../../gpu/mod.ts";
import { randomSource, standardNormal } from "../../../kernels/mod.ts";
import { testDevice } from "../../support/device.ts";

const OUTPUTS = 5;
const INPUTS = 7;

/** A weight whose channels have ranges far apart. */
function drawWeight(): Float32Array<ArrayBuffer> {
  const random = randomSource(3);
  return Float32Array.from(
    { length: OUTPUTS * INPUTS },
    (_, i) => standardNormal(random) * 4 ** Math.floor(i / INPUTS),
  );
}

function onGrid(values: Float32Array, gridOf: (channel: number) => AffineGrid): number[] {
  return Array.from(values, (value, i) => {
    const grid = gridOf(Math.floor(i / INPUTS));
    return dequantize(quantize(value, grid), grid);
  });
}

Deno.test("quantizeWeight() gives every network its own bits and granularity at once", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const values = drawWeight();
  const variants = [
    { bits: 8, granularity: "tensor" },
    { bits: 8, granularity: "channel" },
    { bits: 2, granularity: "tensor" },
    { bits: 3, granularity: "channel" },
    { bits: 1, granularity: "tensor" },
    { bits: 16, granularity: "channel" },
  ] as const;
  const copies = new Float32Array(variants.flatMap(() => [...values]));
  const weight = tensor(device, copies, [variants.length, OUTPUTS, INPUTS]);
  const found = await read(quantizeWeight(weight, values, variants));
  variants.forEach(({ bits, granularity }, network) => {
    const ranges = rangesOf(values, granularity === "tensor" ? 1 : OUTPUTS);
    const wanted = onGrid(
      values,
      (channel) => chooseQuantParams(ranges[granularity === "tensor" ? 0 : channel], bits),
    );
    const start = network * values.length;
    assert.deepEqual(
      Array.from(found.subarray(start, start + values.length), (value) => value + 0),
      wanted.map((value) => value + 0),
      `${bits} bits by ${granularity}`,
    );
  });
});

Deno.test("quantizeWeight() quantizes runs of weights beside channels and whole weights", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const values = drawWeight().slice(0, 24);
  const variants = [
    { bits: 4, granularity: { group: 4 } },
    { bits: 3, granularity: "tensor" },
    { bits: 2, granularity: { group: 6 } },
    { bits: 4, granularity: "channel" },
  ] as const;
  const weight = tensor(device, new Float32Array(variants.flatMap(() => [...values])), [4, 2, 12]);
  const found = await read(quantizeWeight(weight, values, variants));
  const wanted = [4, 24, 6, 12].flatMap((size, network) => {
    const ranges = rangesOf(values, 24 / size);
    return Array.from(values, (value, i) => {
      const grid = chooseQuantParams(ranges[Math.floor(i / size)], variants[network].bits);
      return dequantize(quantize(value, grid), grid);
    });
  });
  assert.deepEqual(Array.from(found, (value) => value + 0), wanted.map((value) => value + 0));
});

Deno.test("quantizeWeight() by channel is closer than by tensor where ranges differ", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const values = drawWeight();
  const weight = tensor(device, new Float32Array([...values, ...values]), [2, OUTPUTS, INPUTS]);
  const found = await read(quantizeWeight(weight, values, [
    { bits: 4, granularity: "tensor" },
    { bits: 4, granularity: "channel" },
  ]));
  // the first channel has a 256th of the range of the last
  const errorOf = (network: number) =>
    values.subarray(0, INPUTS).reduce(
      (sum, value, i) => sum + (found[network * values.length + i] - value) ** 2,
      0,
    );
  assert.ok(errorOf(1) < errorOf(0) / 100, `${errorOf(1)} against ${errorOf(0)}`);
});

Deno.test("quantizeWeight() names the weight that cannot be quantized", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const values = drawWeight();
  const weight = tensor(device, values, [1, OUTPUTS, INPUTS]);
  const quantize = (granularity: Granularity, value = 0) =>
    quantizeWeight(weight, values.with(0, value), [{ bits: 4, granularity }], "fc1.weight");
  assert.throws(
    () => quantize({ group: 5 }),
    new RangeError(
      'Cannot quantize "fc1.weight" of shape [5, 7] in groups of 5: a group must divide a row of 7',
    ),
  );
  assert.throws(
    () => quantize("channel", NaN),
    new RangeError(
      'Cannot find the range of "fc1.weight": its values must be finite: element 0 is NaN',
    ),
  );
  assert.throws(() => quantize("tensor", 3e38), /Cannot quantize values of "fc1\.weight" from /);
});

Deno.test("quantizeWeight() refuses variants that are not one a network", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const values = drawWeight();
  const weight = tensor(device, values, [1, OUTPUTS, INPUTS]);
  assert.throws(() => quantizeWeight(weight, values, []), {
    name: "RangeError",
    message: "Cannot quantize 1 networks: each needs one variant: 0 were given",
  });
});
