import assert from "node:assert/strict";
import { prepareInputGradient, prepareWeightGradient } from "../../bench/our_gradients.ts";
import { cnnStep, fcNNEvaluation, fcNNStep } from "../../bench/our_networks.ts";
import { prepareConv2d, prepareFakeQuantize, prepareMatmul } from "../../bench/our_operations.ts";
import { prepareHaar, prepareHaarInverse } from "../../bench/our_wavelets.ts";
import type { Prepare } from "../../bench/our_side.ts";
import { type Params, workloads } from "../../bench/peers/workloads.ts";
import { testDevice } from "../support/device.ts";

async function outputsOf(prepare: Prepare, workload: string, params: Params) {
  const device = await testDevice();
  using _scope = device.scope();
  const inputs = workloads[workload].inputs(params, 3);
  const outputs = await prepare(device, params, inputs).outputs();
  return { inputs, outputs };
}

function assertClose(found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number) {
  assert.equal(found.length, wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    assert.ok(Math.abs(found[i] - wanted[i]) <= tolerance, `${i}: ${found[i]}, not ${wanted[i]}`);
  }
}

Deno.test("prepareMatmul() multiplies [m, k] by [k, n]", async () => {
  const [m, n, k] = [5, 7, 9];
  const { inputs: { a, b }, outputs } = await outputsOf(prepareMatmul, "matmul", { m, n, k });
  const wanted = new Float64Array(m * n);
  for (let i = 0; i < m * n * k; i++) {
    const [row, column, step] = [Math.floor(i / (n * k)), Math.floor(i / k) % n, i % k];
    wanted[row * n + column] += a.data[row * k + step] * b.data[step * n + column];
  }
  assertClose(outputs.y, wanted, 1e-5);
});

Deno.test("prepareConv2d() convolves 3 x 3 with padding 1", async () => {
  const size = 6;
  const { inputs: { x, w }, outputs } = await outputsOf(prepareConv2d, "conv2d", {
    batch: 1,
    inputChannels: 1,
    outputChannels: 2,
    size,
  });
  const wanted = Float64Array.from({ length: 2 * size * size }, (_, i) => {
    const [channel, row, column] = [
      Math.floor(i / size ** 2),
      Math.floor(i / size) % size,
      i % size,
    ];
    let sum = 0;
    for (let tap = 0; tap < 9; tap++) {
      const [y, z] = [row + Math.floor(tap / 3) - 1, column + tap % 3 - 1];
      const isInside = y >= 0 && y < size && z >= 0 && z < size;
      if (isInside) sum += x.data[y * size + z] * w.data[9 * channel + tap];
    }
    return sum;
  });
  assertClose(outputs.y, wanted, 1e-5);
});

Deno.test("prepareInputGradient() and prepareWeightGradient() are the adjoints of prepareConv2d()", async () => {
  const params = { batch: 2, inputChannels: 3, outputChannels: 4, size: 6 };
  const { inputs: { x, w, dy }, outputs: { y } } = await outputsOf(prepareConv2d, "conv2d", params);
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
    assert.equal(a.length, b.length);
    return Array.from(a).reduce((sum, value, i) => sum + value * b[i], 0);
  };
  const wanted = dot(y, dy.data); // linear in x and in w: <y, dy> = <x, dx> = <w, dw>
  const { dx } = (await outputsOf(prepareInputGradient, "conv2d_input_gradient", params)).outputs;
  const { dw } = (await outputsOf(prepareWeightGradient, "conv2d_weight_gradient", params)).outputs;
  assertClose([dot(x.data, dx), dot(w.data, dw)], [wanted, wanted], 1e-4 * Math.abs(wanted) + 1e-4);
});

Deno.test("prepareFakeQuantize() snaps to the grid of the request", async () => {
  const params: Params = { ...workloads.fake_quantize.defaults, size: 1001 };
  const { inputs: { x }, outputs } = await outputsOf(prepareFakeQuantize, "fake_quantize", params);
  const { scale } = params;
  assertClose(outputs.y, x.data.map((value) => Math.round(value / scale) * scale), 0.51 * scale);
  assert.ok(
    Array.from(outputs.y).every((value) => {
      const steps = value / scale;
      return Math.abs(steps - Math.round(steps)) < 1e-4 && steps >= -128 && steps <= 127;
    }),
  );
});

Deno.test("prepareHaar() gives half of sums and differences of 2 x 2, and its inverse undoes it", async () => {
  const size = 16;
  const { inputs: { x }, outputs } = await outputsOf(prepareHaar, "haar_2d", { size });
  const signs = {
    approximation: [1, 1],
    horizontal: [1, -1],
    vertical: [-1, 1],
    diagonal: [-1, -1],
  };
  const data: Record<string, Float64Array> = {};
  for (const [band, [across, down]] of Object.entries(signs)) {
    data[band] = Float64Array.from({ length: size * size / 4 }, (_, i) => {
      const at = 2 * Math.floor(i / (size / 2)) * size + 2 * (i % (size / 2));
      const [upper, lower] = [at, at + size].map((j) => x.data[j] + across * x.data[j + 1]);
      return (upper + down * lower) / 2;
    });
    assertClose(outputs[band], data[band], 1e-6);
  }
  const device = await testDevice();
  using _scope = device.scope();
  const bands = Object.fromEntries(
    Object.entries(data).map(([band, values]) => [
      band,
      { shape: [size / 2, size / 2], data: Float32Array.from(values) },
    ]),
  );
  const { y } = await prepareHaarInverse(device, { size }, bands).outputs();
  assertClose(y, x.data, 1e-6);
});

for (const as of ["floats", "bytes"] as const) {
  Deno.test(`fcNNEvaluation() over chunks of ${as} gives the loss that fcNNStep() begins with`, async () => {
    const images = 2048 + 70;
    const { outputs } = await outputsOf(fcNNEvaluation(as), "fc_nn_evaluation", { images });
    const step = { batch: images, steps: 2 };
    const { outputs: { losses } } = await outputsOf(fcNNStep(as), "fc_nn_step", step);
    assertClose(outputs.loss, [losses[0]], 1e-5);
    assert.ok(losses[1] < losses[0], `${losses[1]} after ${losses[0]}`);
    assert.ok(outputs.correct[0] > 0 && outputs.correct[0] < images / 2, `${outputs.correct[0]}`);
  });
}

Deno.test("fcNNEvaluation() of several variants at once gives what one alone gives", async () => {
  const params = { images: 2048 + 70 };
  const alone = await outputsOf(fcNNEvaluation("bytes"), "fc_nn_evaluation", params);
  const together = await outputsOf(fcNNEvaluation("bytes", 3), "fc_nn_evaluation", params);
  assertClose(together.outputs.loss, alone.outputs.loss, 1e-6);
  assert.deepEqual(together.outputs.correct, alone.outputs.correct);
});

Deno.test("fcNNStep() computes the same from bytes as from floats", async () => {
  const params = { batch: 64, steps: 10 };
  const floats = (await outputsOf(fcNNStep("floats"), "fc_nn_step", params)).outputs.losses;
  const bytes = (await outputsOf(fcNNStep("bytes"), "fc_nn_step", params)).outputs.losses;
  assertClose(bytes, floats, 1e-5);
});

Deno.test("cnnStep() computes the same from bytes as from floats", async () => {
  const params = { batch: 8, steps: 6 };
  const floats = (await outputsOf(cnnStep("floats"), "cnn_step", params)).outputs.losses;
  const bytes = (await outputsOf(cnnStep("bytes"), "cnn_step", params)).outputs.losses;
  assertClose(bytes, floats, 1e-5);
});

Deno.test("cnnStep() lets the loss of its batch fall", async () => {
  const { outputs: { losses } } = await outputsOf(cnnStep("floats"), "cnn_step", {
    batch: 8,
    steps: 6,
  });
  assert.equal(losses.length, 6);
  assert.ok(losses[5] < losses[0], `${losses[5]} after ${losses[0]}`);
});
