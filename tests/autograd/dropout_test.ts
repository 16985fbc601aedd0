import assert from "node:assert/strict";
import { backward, dropout } from "../../autograd/mod.ts";
import { decodeSafetensors } from "../../formats/mod.ts";
import { type Device, read, tensor, write } from "../../gpu/mod.ts";
import { testDevice } from "../support/device.ts";
import { relativeError } from "../support/relative_error.ts";

const FIXTURE = new URL("../fixtures/torch/regularization.safetensors", import.meta.url);
const { tensors, metadata } = decodeSafetensors(Deno.readFileSync(FIXTURE), "regularization");
const CASES: { networks: number; elements: number; rate: number; stream: number; step: number }[] =
  JSON.parse(metadata!.dropouts);
const SEEDS: number[] = JSON.parse(metadata!.seeds);

function context(device: Device, seeds: readonly number[], step: number) {
  return {
    clock: tensor(device, new Uint32Array([step])),
    seeds: tensor(device, Uint32Array.from(seeds)),
  };
}

for (const [index, { networks, elements, rate, stream, step }] of CASES.entries()) {
  Deno.test(`dropout() equals PyTorch with the same mask: rate ${rate}, ${networks} networks`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const values = (name: string) =>
      Float32Array.from(tensors.get(`dropout.${index}.${name}`)!.data as Float32Array);
    const x = tensor(device, values("x"), [networks, elements]);
    const seed = tensor(device, values("dy"), [networks, elements]);
    const training = context(device, SEEDS.slice(0, networks), step);
    const y = dropout(x, { rate, stream, training });
    assert.ok(relativeError(await read(y), values("y")) < 1e-7);
    if (rate === 0) return assert.equal(y, x);
    const dx = backward(y, [x], { seed }).get(x)!;
    assert.deepEqual(dx.shape, x.shape);
    assert.ok(relativeError(await read(dx), values("dx")) < 1e-7);
  });
}

const SIZE = 50_000;

/** What becomes of ones. */
async function drop(device: Device, rate: number, stream: number, seeds: number[], step: number) {
  using _scope = device.scope();
  const networks = seeds.length;
  const x = tensor(device, new Float32Array(networks * SIZE).fill(1), [networks, SIZE]);
  const y = await read(dropout(x, { rate, stream, training: context(device, seeds, step) }));
  return y as Float32Array;
}

for (const rate of [0.1, 0.5, 0.8]) {
  Deno.test(`dropout() drops the share it is told and keeps the mean: ${rate}`, async () => {
    const device = await testDevice();
    const y = await drop(device, rate, 0, [1], 0);
    const deviation = Math.sqrt(rate * (1 - rate) / SIZE);
    const dropped = y.filter((value) => value === 0).length / SIZE;
    assert.ok(Math.abs(dropped - rate) < 4 * deviation, `${dropped} of them`);
    const kept = y.filter((value) => value !== 0);
    assert.ok(kept.every((value) => value === Math.fround(1 / (1 - rate))));
    const mean = y.reduce((sum, value) => sum + value, 0) / SIZE;
    assert.ok(Math.abs(mean - 1) < 4 * deviation / (1 - rate), `mean ${mean}`);
  });
}

Deno.test("dropout() of another step, layer or seed does not correlate; of a population it is that of each", async () => {
  const device = await testDevice();
  const first = await drop(device, 0.5, 3, [9], 20);
  assert.deepEqual(await drop(device, 0.5, 3, [9], 20), first);
  for (const [stream, seed, step] of [[4, 9, 20], [3, 10, 20], [3, 9, 21], [3, 9, 0]]) {
    const other = await drop(device, 0.5, stream, [seed], step);
    const correlation = first.reduce((sum, value, i) => sum + (value - 1) * (other[i] - 1), 0);
    assert.ok(Math.abs(correlation) / SIZE < 4 / Math.sqrt(SIZE), `${stream} ${seed} ${step}`);
  }
  const both = await drop(device, 0.5, 3, [8, 9], 20);
  assert.deepEqual(both.subarray(SIZE), first);
});

Deno.test("dropout() gives x itself when it infers, and follows the clock when it trains", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, new Float32Array(64).fill(1), [1, 64]);
  assert.equal(dropout(x, { rate: 0.5, stream: 0 }), x);
  const training = context(device, [1], 0);
  const before = await read(dropout(x, { rate: 0.5, stream: 0, training }));
  write(training.clock, new Uint32Array([1]));
  assert.notDeepEqual(await read(dropout(x, { rate: 0.5, stream: 0, training })), before);
});

Deno.test("dropout() refuses rates and seeds that do not fit", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, new Float32Array(64), [1, 64]);
  for (const rate of [-0.1, 1, NaN]) {
    assert.throws(() => dropout(x, { rate, stream: 0 }), {
      name: "RangeError",
      message: `Cannot drop out: the rate must be from 0 to less than 1: ${rate}`,
    });
  }
  assert.throws(() => dropout(x, { rate: 0.5, stream: 0, training: context(device, [1, 2], 0) }), {
    name: "RangeError",
    message: "Cannot drop out: x must be [networks, ...] with one seed a network: x is [1, 64], " +
      "seeds [2]",
  });
});
