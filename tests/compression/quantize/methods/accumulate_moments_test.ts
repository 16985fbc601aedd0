import assert from "node:assert/strict";
import {
  accumulateMoments,
  constantInputs,
  type LayerGeometry,
  type LayerHessian,
} from "../../../../compression/mod.ts";
import { conv2d } from "../../../../autograd/mod.ts";
import { openDevice, read, type Tensor, tensor, zeros } from "../../../../gpu/mod.ts";
import { testDevice } from "../../../support/device.ts";
import { correlatedInputs, hessianOf, normals } from "./random_hessian.ts";

/** |found - wanted| <= 1e-5 sqrt(H_ii H_jj), the accuracy that is promised. */
function assertAgrees(found: LayerHessian, wanted: LayerHessian, group = 0): void {
  const { inputs } = wanted;
  const start = group * inputs * inputs;
  const size = (i: number) => Math.sqrt(wanted.values[i * inputs + i]);
  wanted.values.forEach((value, at) => {
    const allowed = 1e-5 * size(Math.floor(at / inputs)) * size(at % inputs);
    assert.ok(Math.abs(found.values[start + at] - value) <= allowed, `${at}: ${value}`);
  });
  wanted.mean.forEach((value, i) => {
    assert.ok(Math.abs(found.mean[group * inputs + i] - value) <= 1e-5 * size(i));
  });
}

Deno.test("accumulateMoments() agrees with float64, batch after batch", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const inputs = 37;
  const x = correlatedInputs(3000, inputs, 4).map((v) => Math.max(v, 0));
  const sums = accumulateMoments(device, "fc1", { weightShape: [5, inputs] });
  for (const [from, to] of [[0, 1024], [1024, 2048], [2048, 3000]]) {
    const rows = x.slice(from * inputs, to * inputs);
    sums.add(tensor(device, rows, [1, to - from, inputs]));
  }
  const { hessian, cross } = await sums.read();
  assert.equal(hessian.samples, 3000);
  assert.equal(cross, undefined);
  assertAgrees(hessian, hessianOf(x, inputs));
});

Deno.test("accumulateMoments() sees the windows of grouped, strided and padded convolutions", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const geometry: LayerGeometry = { weightShape: [4, 2, 3, 2], stride: 2, padding: 1, groups: 2 };
  const [rows, height, width] = [6, 5, 7];
  const x = tensor(device, normals(rows * 4 * height * width, 8), [1, rows, 4, height, width]);
  const sums = accumulateMoments(device, "conv1", geometry);
  sums.add(x);
  const { hessian } = await sums.read();

  // filters that are 1 at one place each show what a convolution multiplies its weights with
  const features = 2 * 3 * 2;
  const probes = new Float32Array(2 * features * features)
    .map((_, i) => i % features === Math.floor(i / features) % features ? 1 : 0);
  const { stride, padding, groups } = geometry;
  const weight = tensor(device, probes, [1, 2 * features, 2, 3, 2]);
  const seen = conv2d(x, weight, undefined, { stride, padding, groups });
  const [, , , outHeight, outWidth] = seen.shape;
  const y = await read(seen);
  const positions = outHeight * outWidth;
  assert.equal(hessian.samples, rows * positions);
  for (const group of [0, 1]) {
    const patches = new Float32Array(rows * positions * features).map((_, i) => {
      const [n, feature] = [Math.floor(i / features), i % features];
      const [row, position] = [Math.floor(n / positions), n % positions];
      return y[((row * 2 + group) * features + feature) * positions + position];
    });
    assertAgrees(hessian, hessianOf(patches, features), group);
  }
});

Deno.test("accumulateMoments() pairs the inputs of two networks, part after part", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const [rows, inputs] = [2500, 6];
  // both means drift, and apart: what is taken off is the mean of the first thousand rows alone
  const x = normals(rows * inputs, 1).map((v, i) => v + i % inputs + i / (rows * inputs));
  const other = x.map((v, i) => 0.5 * v - 3 * (i % inputs) + 2 * i / (rows * inputs));
  const upload = (values: Float32Array<ArrayBuffer>): Tensor =>
    tensor(device, values, [1, values.length / inputs, inputs]);
  const sums = accumulateMoments(device, "fc1", { weightShape: [2, inputs] }, { cross: true });
  sums.add(upload(x), upload(other));
  const { hessian, cross } = await sums.read();
  assertAgrees(hessian, hessianOf(x, inputs));
  const [own, theirs] = [hessianOf(x, inputs), hessianOf(other, inputs)];
  const size = ({ values }: LayerHessian, i: number) => Math.sqrt(values[i * inputs + i]);
  for (let i = 0; i < inputs; i++) {
    assert.ok(Math.abs(cross!.mean[i] - theirs.mean[i]) <= 1e-5 * size(theirs, i));
    for (let j = 0; j < inputs; j++) {
      let sum = 0;
      for (let n = 0; n < rows; n++) sum += 2 / rows * other[n * inputs + i] * x[n * inputs + j];
      const allowed = 1e-5 * size(theirs, i) * size(own, j);
      assert.ok(Math.abs(cross!.values[i * inputs + j] - sum) <= allowed, `${i}, ${j}: ${sum}`);
    }
  }
  assert.throws(() => sums.add(upload(x)), TypeError);
  assert.throws(
    () => sums.add(upload(x), upload(other.slice(inputs))),
    new RangeError(
      'Cannot calibrate layer "fc1": the inputs of both networks must be of one shape: they are ' +
        "[1, 2500, 6] and [1, 2499, 6]",
    ),
  );
});

Deno.test("accumulateMoments() names the layer whose inputs are not finite, or missing", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const sums = accumulateMoments(device, "fc2", { weightShape: [2, 3] });
  await assert.rejects(
    sums.read(),
    new RangeError('Cannot calibrate layer "fc2": it needs inputs: there are none'),
  );
  sums.add(tensor(device, [1, 2, 3, 4, NaN, 6], [1, 2, 3]));
  await assert.rejects(
    sums.read(),
    new RangeError(
      'Cannot calibrate layer "fc2": its inputs must be finite: input 1 sums to NaN',
    ),
  );
});

Deno.test("accumulateMoments() names the layer that a batch does not fit", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const linear = accumulateMoments(device, "fc2", { weightShape: [2, 3] });
  assert.throws(
    () => linear.add(tensor(device, new Float32Array(7), [1, 7])),
    new RangeError(
      'Cannot calibrate layer "fc2": a batch must be whole rows of 3 inputs: its shape is [1, 7]',
    ),
  );
  const convolution = accumulateMoments(device, "conv1", { weightShape: [2, 3, 1, 1] });
  assert.throws(
    () => convolution.add(tensor(device, [1, 2], [1, 1, 2, 1, 1])),
    new RangeError(
      'Cannot calibrate layer "conv1": a convolution of 1 groups of 3 channels needs images ' +
        "[1, rows, channels, height, width]: its input is [1, 1, 2, 1, 1]",
    ),
  );
});

Deno.test("accumulateMoments() shows which inputs never change, however many rows there are", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  for (const rows of [1, 200, 2048, 4097, 32_768]) {
    const x = normals(5 * rows, 3).map((v, i) => [v, 0.1, 0, 5 + 0.001 * v, 7 / 255][i % 5]);
    const sums = accumulateMoments(device, "fc1", { weightShape: [2, 5] });
    sums.add(tensor(device, x, [1, rows, 5]));
    const { hessian } = await sums.read();
    assert.deepEqual(constantInputs(hessian), rows === 1 ? [0, 1, 2, 3, 4] : [1, 2, 4], `${rows}`);
    assertAgrees(hessian, hessianOf(x, 5));
  }
});

Deno.test("accumulateMoments() leaves no memory behind but its sums", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, normals(64 * 4, 2), [1, 64, 4]);
  const sums = accumulateMoments(device, "fc1", { weightShape: [2, 4] });
  sums.add(x);
  await sums.read();
  const { liveBytes } = device.stats();
  for (let i = 0; i < 3; i++) sums.add(x);
  await sums.read();
  assert.equal(device.stats().liveBytes, liveBytes);
  // products of one part at a time, however many there are
  const peakOf = async (parts: number) => {
    using own = await openDevice();
    using _ownScope = own.scope();
    const wide = accumulateMoments(own, "fc1", { weightShape: [2, 256] });
    wide.add(zeros(own, [1, 1024 * parts, 256]));
    return own.stats().peakBytes - 1024 * parts * 256 * 4;
  };
  assert.ok(await peakOf(8) <= await peakOf(2));
});
