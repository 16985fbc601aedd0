import assert from "node:assert/strict";
import { type Bits, levelGrid } from "../../compression/mod.ts";
import { read, run, tensor } from "../../gpu/mod.ts";
import { randomSource } from "../../kernels/mod.ts";
import { requantizeKernels, requantizeParams } from "../../kernels/requantize/requantize.ts";
import { testDevice } from "../support/device.ts";

const NETWORKS = 400;

/** Magnitudes of every exponent from 2^-126 to 2^120, and 0. */
function magnitudes(): Float32Array<ArrayBuffer> {
  const random = randomSource(1);
  return Float32Array.from(
    { length: NETWORKS },
    (_, i) => i === 0 ? 0 : (i % 2 - 0.5) * 2 * (1 + random()) * 2 ** (i % 247 - 126),
  );
}

Deno.test("requantize.measure finds the scales that levelGrid() gives, bit for bit", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const weight = magnitudes();
  for (const bits of [1, 2, 3, 7, 8, 9, 15, 16] as Bits[]) {
    const params = requantizeParams({
      networks: NETWORKS,
      inner: 1,
      levels: 2 ** bits - 1,
      firstSlot: 0,
      allSlots: 1,
      weights: 1,
      capacity: 1,
      stream: 0,
      period: 1,
    });
    const { scales } = run(requantizeKernels.measure, { weight: tensor(device, weight) }, params);
    const wanted = Array.from(weight, (_, p) => {
      const quantization = { bits, rounding: "nearestEven", scale: "absmax" } as const;
      const { scale, inverseScale } = levelGrid(weight.subarray(p, p + 1), quantization);
      return [scale, inverseScale];
    });
    assert.deepEqual([...await read(scales)], wanted.flat());
  }
});
