import assert from "node:assert/strict";
import { backward, crossEntropy, logSoftmax, nll } from "../../autograd/mod.ts";
import { readAll, tensor } from "../../gpu/mod.ts";
import { randomSource, standardNormal } from "../../kernels/mod.ts";
import { testDevice } from "../support/device.ts";

Deno.test("nll() of logSoftmax() and its gradient equal crossEntropy(), the fused one", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const [networks, rows, classes] = [2, 5, 7];
  const random = randomSource(3);
  const values = Float32Array.from(
    { length: networks * rows * classes },
    () => 3 * standardNormal(random),
  );
  const labels = tensor(device, new Uint32Array([0, 6, 3, 3, 1]));
  const shape = [networks, rows, classes];
  const [a, b] = [tensor(device, values, shape), tensor(device, values, shape)];
  const seed = tensor(device, Float32Array.from({ length: networks * rows }, random), [
    networks,
    rows,
  ]);
  const composed = nll(logSoftmax(a), labels);
  const fused = crossEntropy(b, labels);
  const [losses, wanted, gradient, wantedGradient] = await readAll([
    composed,
    fused,
    backward(composed, [a], { seed }).get(a)!,
    backward(fused, [b], { seed }).get(b)!,
  ]);
  losses.forEach((loss, i) => assert.ok(Math.abs(loss - wanted[i]) < 2e-6 * (1 + wanted[i])));
  gradient.forEach((g, i) => assert.ok(Math.abs(g - wantedGradient[i]) < 2e-6));
});

Deno.test("nll() refuses labels that are not one a row", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const y = tensor(device, new Float32Array(6), [1, 2, 3]);
  assert.throws(() => nll(y, tensor(device, new Uint32Array(3))), {
    name: "RangeError",
    message:
      "Cannot compute the likelihood: y must be [networks, rows, classes] with one label a " +
      "row: y is [1, 2, 3], labels [3]",
  });
});
