import assert from "node:assert/strict";
import { type Kernel, type KernelCase, read, run, tensor } from "../../gpu/mod.ts";
import { casesOf, makeInputs } from "../../kernels/check.ts";
import {
  BINARY,
  conv2dForward,
  conv2dForwardPooled,
  conv2dParams,
  elementwiseKernels,
  elementwiseParams,
  kernelRooms,
  lsqKernels,
  maxPoolKernels,
  maxPoolParams,
  reluKernels,
  softRoundKernels,
} from "../../kernels/mod.ts";
import { testDevice } from "../support/device.ts";

const BAD = [NaN, -Infinity, Infinity];

/** What becomes of a number that is not finite: a ReLU takes what is negative, and nothing else. */
function wantedOf(bad: number, relu: boolean): number {
  return relu && bad < 0 ? 0 : bad;
}

/** 16 images of 4 x 4 places with their number: image i has NaN at place i. */
const IMAGES = Float32Array.from({ length: 256 }, (_, i) => i % 17 === 0 ? NaN : i % 16);

const withBias = kernelRooms.flatMap(({ kernels }) => kernels).flatMap((kernel) => {
  const bias = ["bias", "rowBias"].find((name) => kernel.spec.reads.includes(name));
  return bias !== undefined && kernel.family.constants?.RELU !== undefined
    ? [{ kernel, bias }]
    : [];
});

/** All values that a kernel writes where every element of one input is the same. */
async function outputsOf(kernel: Kernel, { params, constants }: KernelCase, input: {
  readonly name: string;
  readonly value: number;
}): Promise<Set<number>> {
  const device = await testDevice();
  using _scope = device.scope();
  const made = makeInputs(kernel, params, { ...kernel.family.constants, ...constants }, 1);
  made[input.name] = made[input.name].map(() => input.value);
  const tensors = Object.entries(made).map(([name, data]) => [
    name,
    tensor(device, data, [data.length]),
  ]);
  const written = run(kernel, Object.fromEntries(tensors), params, { constants, device });
  return new Set(await read(written[kernel.spec.writes[0]]));
}

for (const { kernel, bias } of withBias) {
  Deno.test(`${kernel.label} hands on what is not finite`, async () => {
    const [{ params, constants }] = casesOf(kernel);
    for (const RELU of [0, 1]) {
      for (const value of BAD) {
        const one = { params, constants: { ...constants, RELU } };
        const wanted = new Set([wantedOf(value, RELU === 1)]);
        assert.deepEqual(await outputsOf(kernel, one, { name: bias, value }), wanted);
      }
    }
  });
}

Deno.test("every layer with a bias is among those that hand on what is not finite", () => {
  const families = new Set(withBias.map(({ kernel }) => kernel.family.name));
  assert.deepEqual(families, new Set(["batch_norm", "conv2d", "linear_bytes", "matmul"]));
});

Deno.test("relu.forward and a rectified sum hand on what is not finite", async () => {
  const addRectified = { params: elementwiseParams(5), constants: { OP: BINARY.addRectified } };
  for (const value of BAD) {
    const wanted = new Set([wantedOf(value, true)]);
    const x = { name: "x", value };
    assert.deepEqual(await outputsOf(reluKernels.forward, { params: { size: 5 } }, x), wanted);
    const a = { name: "a", value };
    assert.deepEqual(await outputsOf(elementwiseKernels.binary, addRectified, a), wanted);
  }
});

Deno.test("learned quantizers and soft rounding hand on NaN", async () => {
  const soft = casesOf(softRoundKernels.forward)[0];
  assert.deepEqual(
    await outputsOf(softRoundKernels.forward, soft, { name: "v", value: NaN }),
    new Set([NaN]),
  );
  for (const one of casesOf(lsqKernels.forward)) {
    const y = await outputsOf(lsqKernels.forward, one, { name: "x", value: NaN });
    assert.deepEqual(y, new Set([NaN]));
  }
});

Deno.test("conv2dForward() and conv2dForwardPooled() hand on what is not finite", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  for (const [kernelHeight, kernelWidth] of [[1, 1], [3, 3]]) {
    const params = conv2dParams({
      batch: 1,
      inChannels: 1,
      outChannels: 3,
      inHeight: 4,
      inWidth: 4,
      kernelHeight,
      kernelWidth,
      padding: 1,
    });
    const x = tensor(device, new Float32Array(16).fill(1));
    const weight = tensor(device, new Float32Array(3 * kernelHeight * kernelWidth).fill(1));
    const bias = tensor(device, BAD);
    for (const relu of [false, true]) {
      const wanted = BAD.map((bad) => new Set([wantedOf(bad, relu)]));
      const y = conv2dForward({ x, weight, bias }, params, { relu });
      const { pooled } = conv2dForwardPooled({ x, weight, bias }, params, { relu });
      for (const values of [await read(y), await read(pooled)]) {
        const plane = values.length / 3;
        const found = BAD.map((_, c) => new Set(values.subarray(c * plane, (c + 1) * plane)));
        assert.deepEqual(found, wanted);
      }
    }
  }
});

Deno.test("conv2dForwardPooled() is NaN where one element of a window is", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const sizes = { inChannels: 1, outChannels: 1, inHeight: 4, inWidth: 4 };
  const params = conv2dParams({ batch: 16, ...sizes, kernelHeight: 1, kernelWidth: 1 });
  const x = tensor(device, IMAGES);
  const weight = tensor(device, [1]);
  for (const relu of [false, true]) {
    const { pooled } = conv2dForwardPooled({ x, weight }, params, { relu });
    const found = await read(pooled);
    // taps of 0 take a NaN to its neighbors too
    for (let i = 0; i < 16; i++) assert.equal(found[4 * i + windowOf(i)], NaN);
  }
});

Deno.test("max_pool.forward is NaN where one element of a window is", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const params = maxPoolParams({ planes: 16, inHeight: 4, inWidth: 4, size: 2 });
  const x = tensor(device, IMAGES);
  for (const HALVING of [0, 1]) {
    for (const RELU of [0, 1]) {
      const { y } = run(maxPoolKernels.forward, { x }, params, { constants: { HALVING, RELU } });
      const wanted = Array.from(
        { length: 64 },
        (_, i) => windowOf(Math.floor(i / 4)) === i % 4 ? NaN : [5, 7, 13, 15][i % 4],
      );
      assert.deepEqual([...await read(y)], wanted);
    }
  }
});

/** The window of 2 x 2 that a place of 4 x 4 is in. */
function windowOf(place: number): number {
  return 2 * Math.floor(place / 8) + Math.floor(place % 4 / 2);
}
