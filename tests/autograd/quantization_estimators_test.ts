import assert from "node:assert/strict";
import {
  backward,
  distillation,
  dorefaWeights,
  dynamicGrids,
  dynamicQuantize,
  magnitudeWeights,
} from "../../autograd/mod.ts";
import { chooseQuantParams, dequantize, quantize } from "../../compression/mod.ts";
import { read, readAll, type Tensor, tensor } from "../../gpu/mod.ts";
import { testDevice } from "../support/device.ts";
import { centralDifference } from "./central_difference.ts";

const W = [-1.5, -0.4, -0.1, 0, 0.2, 0.9];

/** What an op makes of W, and the gradient that reaches W if each output has the slope 1, 2, ... */
async function applied(op: (w: Tensor) => Tensor) {
  const device = await testDevice();
  using _scope = device.scope();
  const w = tensor(device, W);
  const y = op(w);
  const seed = tensor(device, W.map((_, i) => i + 1));
  const [values, slopes] = await readAll([y, backward(y, [w], { seed }).get(w)!]);
  return { values: [...values], slopes: [...slopes] };
}

function near(found: readonly number[], wanted: readonly number[]): void {
  assert.equal(found.length, wanted.length);
  found.forEach((value, i) =>
    assert.ok(Math.abs(value - wanted[i]) < 1e-5, `[${i}] is ${value}: ${wanted[i]}`)
  );
}

Deno.test("dynamicQuantize() finds on the GPU the grids that the host would choose", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, Float32Array.from({ length: 120 }, (_, i) => Math.sin(i * i) * (1 + i)));
  const values = await read(x) as Float32Array;
  const found = await read(dynamicQuantize(x, { bits: 3, inner: 40 }));
  const wanted = Array.from({ length: 3 }, (_, c) => {
    const run = values.subarray(40 * c, 40 * c + 40);
    const grid = chooseQuantParams({ low: Math.min(...run), high: Math.max(...run) }, 3);
    return Array.from(run, (value) => dequantize(quantize(value, grid), grid));
  });
  near([...found], wanted.flat());
});

Deno.test("dynamicQuantize() is symmetric on demand, and straight-through", async () => {
  const { values, slopes } = await applied((w) => dynamicQuantize(w, { bits: 2, symmetric: true }));
  near(values, [-1.5, 0, 0, 0, 0, 1.5]);
  assert.deepEqual(slopes, [1, 2, 3, 4, 5, 6]);
});

Deno.test("dynamicGrids() of tiny ranges equal those of the host, bit for bit", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = Float32Array.from({ length: 2 * 26 }, (_, i) => (i % 2 - 0.3) * 2 ** (i / 2 - 123));
  for (const bits of [1, 2, 7, 8, 9, 10, 16] as const) {
    const { scale, inverseScale, zeroPoint } = dynamicGrids(tensor(device, x), { bits, inner: 2 });
    const found = await readAll([scale, inverseScale, zeroPoint]);
    for (let c = 0; c < 26; c++) {
      const wanted = chooseQuantParams({ low: x[2 * c], high: x[2 * c + 1] }, bits);
      assert.deepEqual(
        found.map((values) => values[c]),
        [wanted.scale, wanted.inverseScale, wanted.zeroPoint],
      );
    }
  }
});

Deno.test("dynamicGrids() moves a range by its momentum, and leaves it alone at 0", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, W);
  const range = tensor(device, [-0.5, 1.9], [1, 2]);
  dynamicGrids(x, { bits: 4, range, momentum: 0 });
  assert.deepEqual([...await read(range)], [-0.5, Math.fround(1.9)]);
  const { scale } = dynamicGrids(x, { bits: 4, range, momentum: 0.25 });
  near([...await read(range)], [-0.75, 1.65]);
  near([...await read(scale)], [2.4 / 15]);
});

Deno.test("dynamicGrids() warms a range up: the mean of what was seen, at 16 bits", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const range = tensor(device, [-9, 9], [1, 2]);
  const tops: number[] = [];
  for (const [step, high] of [4, 2, 3, 3].entries()) {
    const clock = tensor(device, new Uint32Array([step]));
    const warmUp = { clock, steps: 3 };
    const x = tensor(device, [-1, high]);
    const { qMax } = dynamicGrids(x, { bits: 4, range, momentum: 0.3, warmUp });
    near([...await read(range)], [-1, [4, 3, 3, 3][step]]);
    tops.push(...await read(qMax));
  }
  assert.deepEqual(tops, [65535, 65535, 65535, 15]);
});

Deno.test("dorefaWeights() spaces levels equally up to the largest tanh", async () => {
  const { values, slopes } = await applied((w) => dorefaWeights(w, 2, 6));
  const m = Math.tanh(1.5);
  near(values, W.map((w) => m * (2 * Math.round(3 * (Math.tanh(w) / (2 * m) + 0.5)) / 3 - 1)));
  const derivative = (i: number) =>
    centralDifference(({ w }) => Math.tanh(w[0]), { w: Float64Array.of(W[i]) }, "w")[0];
  near(slopes, W.map((_, i) => (i + 1) * derivative(i)));
});

Deno.test("magnitudeWeights() scales signs by the mean magnitude", async () => {
  const { values, slopes } = await applied((w) => magnitudeWeights(w, "binary", 3));
  const [a, b] = [2 / 3, 1.1 / 3];
  near(values, [-a, -a, -a, b, b, b]);
  assert.deepEqual(slopes, [0, 2, 3, 4, 5, 6]); // beyond 1 the gradient is clipped
});

Deno.test("magnitudeWeights() leaves out what is below 0.7 of the mean magnitude", async () => {
  const { values } = await applied((w) => magnitudeWeights(w, "ternary", 6));
  const scale = (1.5 + 0.4 + 0.9) / 3; // the threshold is 0.7 * 3.1 / 6 = 0.36
  near(values, [-scale, -scale, 0, 0, 0, scale]);
});

Deno.test("distillation() of weight 0 is the cross-entropy, of weight 1 forgets the labels", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const logits = tensor(device, [1, 2, 3, 0, 0, 1], [1, 2, 3]);
  const teacher = tensor(device, [1, 2, 3, 2, 0, 1], [1, 2, 3]);
  const losses = async (weight: number, labels: number[]) => [
    ...await read(
      distillation(logits, teacher, tensor(device, Uint32Array.from(labels)), { weight }),
    ),
  ];
  const hard = [-Math.log(Math.exp(2) / (Math.exp(1) + Math.exp(2) + Math.exp(3)))];
  near((await losses(0, [1, 0])).slice(0, 1), hard);
  const soft = await losses(1, [0, 0]);
  assert.deepEqual(soft, await losses(1, [2, 1]));
  assert.ok(Math.abs(soft[0]) < 1e-6 && soft[1] > 0.1);
});

Deno.test("distillation() refuses a teacher of another shape and weights outside 0 to 1", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const logits = tensor(device, [1, 2, 3], [1, 1, 3]);
  const labels = tensor(device, new Uint32Array([0]));
  assert.throws(
    () => distillation(logits, tensor(device, [1, 2], [1, 1, 2]), labels, { weight: 1 }),
    /the teacher must have the shape of the logits.*the teacher's \[1, 1, 2\]/,
  );
  assert.throws(
    () => distillation(logits, logits, labels, { weight: 2 }),
    /the weight must be from 0 to 1/,
  );
});
