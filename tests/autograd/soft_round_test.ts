import assert from "node:assert/strict";
import {
  backward,
  meanSquaredError,
  multiplyBy,
  randomMix,
  roundingPenalty,
  softRound,
} from "../../autograd/mod.ts";
import { type Device, read, readAll, type Tensor, tensor } from "../../gpu/mod.ts";
import { inverseRectifiedSigmoid, rectifiedSigmoid } from "../../kernels/mod.ts";
import { testDevice } from "../support/device.ts";
import { relativeError } from "../support/relative_error.ts";
import { torchFixture } from "../support/torch_fixture.ts";

const fixture = torchFixture("soft_round");

function upload(device: Device, ...names: string[]): Tensor[] {
  return names.map((name) => tensor(device, fixture.floats(name), fixture.get(name).shape));
}

function assertAgrees(found: ArrayLike<number>, name: string): void {
  const error = relativeError(Float32Array.from(found), fixture.floats(name));
  assert.ok(error < 2e-6, `${name}: relative error ${error}`);
}

Deno.test("softRound() and its gradients agree with PyTorch", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const [v, low, high, factor, seed] = upload(device, "v", "low", "high", "factor", "dw");
  const w = softRound(v, { low, high, factor });
  const gradients = backward(w, [v, factor], { seed });
  const found = await readAll([w, gradients.get(v)!, gradients.get(factor)!]);
  ["w", "dv", "dFactor"].forEach((name, i) => assertAgrees(found[i], name));
});

Deno.test("roundingPenalty() and its gradient agree with PyTorch, with weight and beta of the step", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const [v] = upload(device, "v");
  const schedule = tensor(device, [9, 9, 0.3, 6.5], [2, 2]);
  for (const step of [1, 5]) { // past the end the last row holds
    const clock = tensor(device, Uint32Array.of(step));
    const penalty = roundingPenalty(v, { clock, schedule });
    const seed = tensor(device, new Float32Array(v.size).fill(1), v.shape);
    const gradient = backward(penalty, [v], { seed }).get(v)!;
    assertAgrees(await read(penalty), "penalty");
    assertAgrees(await read(gradient), "dPenalty");
  }
});

Deno.test("meanSquaredError() and its gradient agree with PyTorch, with a target that networks share", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const [y, target] = upload(device, "y", "target");
  const losses = meanSquaredError(y, target);
  assert.deepEqual(losses.shape, [2, 5]);
  const byMean = backward(losses, [y]).get(y)!;
  const seed = tensor(device, new Float32Array(10).fill(1 / 5), [2, 5]);
  const bySeed = backward(losses, [y], { seed }).get(y)!;
  assertAgrees(await read(losses), "losses");
  assertAgrees(await read(byMean), "dy");
  assertAgrees(await read(bySeed), "dy");
});

Deno.test("inverseRectifiedSigmoid() undoes the rectified sigmoid where it is not clamped", () => {
  for (const share of [0, 0.01, 0.3, 0.5, 0.99, 1]) {
    const back = rectifiedSigmoid(inverseRectifiedSigmoid(share));
    assert.ok(Math.abs(back - share) < 1e-12, `${share} became ${back}`);
  }
  assert.equal(rectifiedSigmoid(-9), 0);
  assert.equal(rectifiedSigmoid(9), 1);
});

Deno.test("multiplyBy() differentiates by what it multiplies", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, [1, 2, 3, 4], [2, 2]);
  const y = multiplyBy(x, tensor(device, [10, -1], [1, 2]));
  assert.deepEqual([...await read(y)], [10, -2, 30, -4]);
  const seed = tensor(device, [1, 1, 2, 2], [2, 2]);
  assert.deepEqual([...await read(backward(y, [x], { seed }).get(x)!)], [10, -1, 20, -2]);
});

Deno.test("randomMix() keeps elements of one or the other, as many as it is told, and so the gradient", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const size = 4096;
  const x = tensor(device, new Float32Array(size).fill(1), [1, size]);
  const quantized = tensor(device, new Float32Array(size).fill(3), [1, size]);
  const training = {
    clock: tensor(device, Uint32Array.of(2)),
    seeds: tensor(device, Uint32Array.of(7)),
  };
  const y = randomMix(quantized, x, { rate: 0.25, stream: 1, training });
  const seed = tensor(device, Float32Array.from({ length: size }, (_, i) => i), [1, size]);
  const gradients = backward(y, [quantized, x], { seed });
  const [mixed, ofQuantized, ofX] = await readAll([
    y,
    gradients.get(quantized)!,
    gradients.get(x)!,
  ]);
  const kept = mixed.filter((value) => Math.abs(value - 1) < 1e-6).length;
  assert.ok(Math.abs(kept / size - 0.25) < 0.03, `${kept} of ${size} stayed`);
  mixed.forEach((value, i) => {
    const isQuantized = Math.abs(value - 3) < 1e-6;
    assert.ok(isQuantized || Math.abs(value - 1) < 1e-6, `element ${i} is ${value}`);
    assert.ok(Math.abs(ofQuantized[i] - (isQuantized ? i : 0)) < 1e-3);
    assert.ok(Math.abs(ofX[i] - (isQuantized ? 0 : i)) < 1e-3);
  });
  assert.equal(randomMix(quantized, x, { rate: 0.25, stream: 1 }), quantized);
});

Deno.test("softRound(), meanSquaredError() and randomMix() refuse shapes that do not fit", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const of = (...shape: number[]) =>
    tensor(device, new Float32Array(shape.reduce((a, b) => a * b)), shape);
  assert.throws(() => softRound(of(2, 3), { low: of(2, 3), high: of(2, 2), factor: of(2) }), {
    name: "RangeError",
    message:
      "Cannot round softly: v and both levels must be of one size and fall into 2 equal groups: " +
      "v is [2, 3], low [2, 3], high [2, 2]",
  });
  assert.throws(() => meanSquaredError(of(2, 3, 4), of(1, 3, 5)), {
    name: "RangeError",
    message: "Cannot compute the mean squared error: the target must have the shape of y, or one " +
      "network: y is [2, 3, 4], the target [1, 3, 5]",
  });
  assert.throws(() => randomMix(of(1, 3), of(1, 3), { rate: 1, stream: 0 }), {
    name: "RangeError",
  });
});
