import assert from "node:assert/strict";
import { chooseQuantParams, dequantize, quantize } from "../../compression/mod.ts";
import { read, tensor } from "../../gpu/mod.ts";
import { randomSource } from "../../kernels/mod.ts";
import { dynamicInputs } from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";

Deno.test("dynamicInputs() gives every image of every network a grid of its own", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  for (const shape of [[2, 3, 2, 5], [1, 4, 7], [3, 1, 1]]) {
    const [networks, rows, ...rest] = shape;
    const size = rest.reduce((a, b) => a * b);
    const random = randomSource(size);
    const x = Float32Array.from(
      { length: networks * rows * size },
      (_, i) => (random() - 0.4) * 10 ** (Math.floor(i / size) % 4),
    );
    const y = dynamicInputs(device, 3)("fc1", tensor(device, x, shape));
    assert.deepEqual(y.shape, shape);
    const found = await read(y);
    for (let image = 0; image < networks * rows; image++) {
      const own = x.subarray(image * size, (image + 1) * size);
      const grid = chooseQuantParams({ low: Math.min(...own), high: Math.max(...own) }, 3);
      own.forEach((value, i) =>
        assert.equal(found[image * size + i], dequantize(quantize(value, grid), grid))
      );
    }
  }
});
