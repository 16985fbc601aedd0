import assert from "node:assert/strict";
import { backward, batchNorm } from "../../autograd/mod.ts";
import { read, record, type Tensor, tensor } from "../../gpu/mod.ts";
import { randomSource, standardNormal } from "../../kernels/mod.ts";
import { testDevice } from "../support/device.ts";
import { relativeError } from "../support/relative_error.ts";
import { centralDifference, dot } from "./central_difference.ts";

const SHAPE = [2, 5, 3, 2, 3];
const [NETWORKS, ROWS, CHANNELS] = SHAPE;
const PIXELS = 6;
const COUNT = ROWS * PIXELS;
const EPSILON = 1e-5;

/** Standard normal numbers around `mean`, the same on host and GPU. */
function draw(length: number, seed: number, mean: number = 0): Float32Array<ArrayBuffer> {
  const random = randomSource(seed);
  return Float32Array.from({ length }, () => mean + standardNormal(random));
}

const host = {
  x: draw(NETWORKS * ROWS * CHANNELS * PIXELS, 1, 0.5),
  weight: draw(NETWORKS * CHANNELS, 2, 1),
  bias: draw(NETWORKS * CHANNELS, 3),
  mean: draw(NETWORKS * CHANNELS, 4),
  variance: draw(NETWORKS * CHANNELS, 5).map((value) => 0.5 + value * value),
};
const dy = draw(host.x.length, 6);

/** Which channel of which network an element belongs to. */
function channelOf(i: number): number {
  const plane = Math.floor(i / PIXELS);
  return Math.floor(plane / (ROWS * CHANNELS)) * CHANNELS + plane % CHANNELS;
}

/** Mean and biased variance of every channel of every network. */
function statistics(x: Float64Array): [mean: Float64Array, variance: Float64Array] {
  const mean = new Float64Array(NETWORKS * CHANNELS);
  const variance = new Float64Array(NETWORKS * CHANNELS);
  x.forEach((value, i) => mean[channelOf(i)] += value / COUNT);
  x.forEach((value, i) => variance[channelOf(i)] += (value - mean[channelOf(i)]) ** 2 / COUNT);
  return [mean, variance];
}

function normalize64(v: Record<string, Float64Array>, isTraining: boolean): Float64Array {
  const [mean, variance] = isTraining ? statistics(v.x) : [v.mean, v.variance];
  return v.x.map((value, i) => {
    const c = channelOf(i);
    return v.weight[c] * (value - mean[c]) / Math.sqrt(variance[c] + EPSILON) + v.bias[c];
  });
}

async function onDevice(isTraining: boolean) {
  const device = await testDevice();
  const perChannel = (values: Float32Array<ArrayBuffer>) =>
    tensor(device, values, [NETWORKS, CHANNELS]);
  const tensors = {
    weight: perChannel(host.weight),
    bias: perChannel(host.bias),
    runningMean: perChannel(host.mean),
    runningVar: perChannel(host.variance),
  };
  const x = tensor(device, host.x, SHAPE);
  return { device, x, ...tensors, y: batchNorm(x, tensors, { isTraining }) };
}

const wide = Object.fromEntries(
  Object.entries(host).map(([name, values]) => [name, Float64Array.from(values)]),
);

for (const isTraining of [true, false]) {
  const when = isTraining ? "by the batch" : "by the running averages";
  Deno.test(`batchNorm() and its gradients equal float64: ${when}`, async () => {
    using _scope = (await testDevice()).scope();
    const { device, x, weight, bias, y } = await onDevice(isTraining);
    assert.deepEqual(y.shape, SHAPE);
    assert.ok(relativeError(await read(y), normalize64(wide, isTraining)) < 1e-6);

    const by: Record<string, Tensor> = { x, weight, bias };
    const gradients = backward(y, Object.values(by), { seed: tensor(device, dy, SHAPE) });
    for (const [name, parameter] of Object.entries(by)) {
      const loss = (v: Record<string, Float64Array>) =>
        dot(Float64Array.from(dy), normalize64(v, isTraining));
      const wanted = centralDifference(loss, wide, name);
      const error = relativeError(await read(gradients.get(parameter)!), wanted);
      assert.ok(error < 2e-6, `${name}: relative error ${error}`);
    }
  });
}

Deno.test("batchNorm() in training moves its averages a tenth of the way, the variance unbiased", async () => {
  using _scope = (await testDevice()).scope();
  const { runningMean, runningVar } = await onDevice(true);
  const [mean, variance] = statistics(wide.x);
  const moved = (before: Float64Array, batch: Float64Array, scale: number) =>
    before.map((value, c) => 0.9 * value + 0.1 * scale * batch[c]);
  assert.ok(relativeError(await read(runningMean), moved(wide.mean, mean, 1)) < 1e-6);
  const unbiased = COUNT / (COUNT - 1);
  const wanted = moved(wide.variance, variance, unbiased);
  assert.ok(relativeError(await read(runningVar), wanted) < 1e-6);
});

Deno.test("batchNorm() outside training leaves its averages alone", async () => {
  using _scope = (await testDevice()).scope();
  const { runningMean, runningVar, y } = await onDevice(false);
  await read(y);
  assert.deepEqual(await read(runningMean), host.mean);
  assert.deepEqual(await read(runningVar), host.variance);
});

Deno.test("batchNorm() refuses factors of other channels", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const two = tensor(device, new Float32Array(4), [2, 2]);
  const x = tensor(device, host.x, SHAPE);
  const tensors = { weight: two, bias: two, runningMean: two, runningVar: two };
  assert.throws(() => batchNorm(x, tensors), {
    name: "RangeError",
    message:
      /^Cannot normalize a batch: shapes must be .*: x is \[2, 5, 3, 2, 3\], weight \[2, 2\]$/,
  });
});

Deno.test("batchNorm() refuses a shortcut of another shape, and a variance of one element", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const one = tensor(device, [1], [1, 1]);
  const tensors = { weight: one, bias: one, runningMean: one, runningVar: one };
  const x = tensor(device, [1, 2], [1, 2, 1]);
  assert.throws(() => batchNorm(x, tensors, { shortcut: one }), {
    name: "RangeError",
    message: "Cannot normalize a batch: the shortcut must have x's shape [1, 2, 1]: it is [1, 1]",
  });
  const single = tensor(device, [1], [1, 1, 1]);
  assert.throws(() => batchNorm(single, tensors, { isTraining: true }), {
    name: "RangeError",
    message: "Cannot normalize by a batch: a channel must have at least 2 elements: x is [1, 1, 1]",
  });
});

Deno.test("batchNorm() in a replay gives the bits of the same steps run eagerly", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const make = () => {
    const perChannel = (values: Float32Array<ArrayBuffer>) =>
      tensor(device, values, [NETWORKS, CHANNELS]);
    const runningMean = perChannel(host.mean);
    const runningVar = perChannel(host.variance);
    const [weight, bias] = [perChannel(host.weight), perChannel(host.bias)];
    return { weight, bias, runningMean, runningVar };
  };
  const x = tensor(device, host.x, SHAPE);
  const seed = tensor(device, dy, SHAPE);
  const step = (tensors: ReturnType<typeof make>) => {
    const y = batchNorm(x, tensors, { isTraining: true, relu: true, shortcut: seed });
    const [dx, dWeight] = backward(y, [x, tensors.weight], { seed }).values();
    return { y, dx, dWeight };
  };
  const [eagerly, recorded] = [make(), make()];
  step(eagerly);
  const wanted = step(eagerly);
  using program = record(device, () => step(recorded));
  program.run(2);
  for (const name of ["y", "dx", "dWeight"] as const) {
    assert.deepEqual(await read(program.result[name]), await read(wanted[name]), name);
  }
  assert.deepEqual(await read(recorded.runningVar), await read(eagerly.runningVar));
  assert.notDeepEqual(await read(recorded.runningVar), host.variance);
});

Deno.test("batchNorm() differentiates by x alone where its averages are given", async () => {
  using _scope = (await testDevice()).scope();
  const { device, x, y, weight } = await onDevice(false);
  const seed = tensor(device, dy, SHAPE);
  const alone = await read(backward(y, [x], { seed }).get(x)!);
  assert.deepEqual(alone, await read(backward(y, [x, weight], { seed }).get(x)!));
});

Deno.test("batchNorm() of x that networks share equals that of copies, dx their sum", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const one = host.x.slice(0, host.x.length / NETWORKS);
  const copies = Float32Array.from(host.x, (_, i) => one[i % one.length]);
  const perform = async (values: Float32Array<ArrayBuffer>, networks: number) => {
    const perChannel = (numbers: Float32Array<ArrayBuffer>) =>
      tensor(device, numbers, [NETWORKS, CHANNELS]);
    const [weight, bias] = [perChannel(host.weight), perChannel(host.bias)];
    const [runningMean, runningVar] = [perChannel(host.mean), perChannel(host.variance)];
    const x = tensor(device, values, [networks, ...SHAPE.slice(1)]);
    const y = batchNorm(
      x,
      { weight, bias, runningMean, runningVar },
      { isTraining: true, relu: true },
    );
    const made = backward(y, [x, weight], { seed: tensor(device, dy, SHAPE) });
    assert.deepEqual(y.shape, SHAPE);
    assert.deepEqual(made.get(x)!.shape, x.shape);
    const rest = { y, runningMean, runningVar, dWeight: made.get(weight)! };
    const held = Object.entries(rest).map(async ([name, it]) => [name, await read(it)] as const);
    return { dx: await read(made.get(x)!), rest: Object.fromEntries(await Promise.all(held)) };
  };
  const wanted = await perform(copies, NETWORKS);
  const found = await perform(one, 1);
  assert.deepEqual(found.rest, wanted.rest);
  const sum = Float64Array.from(one, (_, i) => {
    let total = 0;
    for (let at = i; at < wanted.dx.length; at += one.length) total += wanted.dx[at];
    return total;
  });
  assert.ok(relativeError(found.dx, sum) < 1e-6);
});
