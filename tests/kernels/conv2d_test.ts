import assert from "node:assert/strict";
import { decodeSafetensors, type SafetensorsTensor } from "../../formats/mod.ts";
import {
  type Device,
  type Numbers,
  read,
  record,
  run,
  type Tensor,
  tensor,
} from "../../gpu/mod.ts";
import { naiveConv2dKernels } from "../../kernels/conv2d/naive.ts";
import {
  conv2dForward,
  conv2dForwardPooled,
  conv2dInputGradient,
  conv2dWeightGradient,
} from "../../kernels/conv2d/dispatch.ts";
import { conv2dReference } from "../../kernels/conv2d/reference.ts";
import { conv2dParams, type Conv2dShape } from "../../kernels/conv2d/spec.ts";
import { maxPoolKernels } from "../../kernels/max_pool/max_pool.ts";
import { testDevice } from "../support/device.ts";

const FIXTURE = new URL("../fixtures/torch/convolution.safetensors", import.meta.url);
const { tensors, metadata } = decodeSafetensors(Deno.readFileSync(FIXTURE), "convolution");
const shapes: Conv2dShape[] = JSON.parse(metadata.conv2d);

function fixture(
  index: number,
  name: string,
): SafetensorsTensor & { data: Float32Array<ArrayBuffer> } {
  const found = tensors.get(`conv2d.${index}.${name}`);
  assert.ok(found?.dtype === "F32", `the fixture must hold ${name} of case ${index}`);
  return found;
}

/** The largest error, relative to the largest number. */
function relativeError(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  assert.equal(found.length, wanted.length);
  let error = 0;
  let size = 0;
  for (let i = 0; i < wanted.length; i++) {
    error = Math.max(error, Math.abs(found[i] - wanted[i]));
    size = Math.max(size, Math.abs(wanted[i]));
  }
  return error / size;
}

function upload(device: Device, index: number, name: string): Tensor {
  const { data, shape } = fixture(index, name);
  return tensor(device, data, shape);
}

const NAMES = ["x", "weight", "bias", "dy"];

async function checkTiled(device: Device, index: number, params: Numbers): Promise<void> {
  using _scope = device.scope();
  const [x, weight, bias, dy] = NAMES.map((name) => upload(device, index, name));
  const { dw, db } = conv2dWeightGradient({ x, dy }, params);
  const found = {
    y: conv2dForward({ x, weight, bias }, params),
    dx: conv2dInputGradient({ dy, weight }, params),
    dw,
    db,
  };
  for (const [name, result] of Object.entries(found)) {
    assert.ok(relativeError(await read(result), fixture(index, name).data) < 1e-5, name);
  }
}

async function checkNaive(device: Device, index: number, params: Numbers): Promise<void> {
  using _scope = device.scope();
  const [x, weight, bias, dy] = NAMES.map((name) => upload(device, index, name));
  const kernels = naiveConv2dKernels;
  const found = {
    ...run(kernels.forward, { x, weight, bias }, params),
    ...run(kernels.inputGradient, { dy, weight }, params),
    ...run(kernels.weightGradient, { x, dy }, params),
  };
  for (const [name, result] of Object.entries(found)) {
    assert.ok(relativeError(await read(result), fixture(index, name).data) < 1e-5, name);
  }
}

for (const [index, shape] of shapes.entries()) {
  const { batch, groups, inChannels, outChannels, kernelHeight, kernelWidth } = shape;
  const label = `${inChannels} to ${outChannels} channels, ${kernelHeight} x ${kernelWidth}, ` +
    `stride ${shape.stride}, padding ${shape.padding}, groups ${groups}, batch ${batch}`;

  Deno.test(`conv2dForward() and its gradients agree with PyTorch: ${label}`, async () => {
    await checkTiled(await testDevice(), index, conv2dParams(shape));
  });

  Deno.test(`naiveConv2dKernels agree with PyTorch: ${label}`, async () => {
    await checkNaive(await testDevice(), index, conv2dParams(shape));
  });

  Deno.test(`conv2dReference() agrees with PyTorch: ${label}`, () => {
    const inputs = Object.fromEntries(
      NAMES.map((name) => [name, Float64Array.from(fixture(index, name).data)]),
    );
    for (const entry of ["forward", "inputGradient", "weightGradient"]) {
      const found = conv2dReference(inputs, conv2dParams(shape), { RELU: 0 }, entry);
      for (const [name, values] of Object.entries(found)) {
        // PyTorch's numbers were rounded to float32 once
        assert.ok(relativeError(values, fixture(index, name).data) < 1e-7, name);
      }
    }
  });
}

const SMALL = conv2dParams({
  batch: 2,
  inChannels: 3,
  inHeight: 6,
  inWidth: 6,
  outChannels: 4,
  kernelHeight: 3,
  kernelWidth: 3,
  padding: 1,
});

const wave = (length: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length }, (_, i) => Math.sin(7 * i + 1));

Deno.test("conv2dForwardPooled() equals convolution, ReLU and pooling one after the other", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, wave(216), [2, 3, 6, 6]);
  const weight = tensor(device, wave(108), [4, 3, 3, 3]);
  const bias = tensor(device, wave(4), [4]);
  const fused = conv2dForwardPooled({ x, weight, bias }, SMALL, { relu: true });
  const apart = run(
    maxPoolKernels.forward,
    { x: conv2dForward({ x, weight, bias }, SMALL, { relu: true }) },
    fused.poolParams,
    { constants: { RELU: 1 } },
  );
  const pooled = await read(fused.pooled);
  assert.ok(pooled.includes(0) && pooled.some((value) => value > 0));
  assert.deepEqual(pooled, await read(apart.y));
  assert.deepEqual(await read(fused.argmax), await read(apart.argmax));
});

Deno.test("conv2dForwardPooled() refuses an output smaller than a window", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, wave(3), [1, 1, 1, 3]);
  const weight = tensor(device, wave(1), [1, 1, 1, 1]);
  const bias = tensor(device, wave(1), [1]);
  const params = conv2dParams({
    batch: 1,
    inChannels: 1,
    inHeight: 1,
    inWidth: 3,
    outChannels: 1,
    kernelHeight: 1,
    kernelWidth: 1,
  });
  assert.throws(() => conv2dForwardPooled({ x, weight, bias }, params), {
    name: "RangeError",
    message: "Cannot pool: the window must fit into the input: window is [2, 2], input is [1, 3]",
  });
});

Deno.test("conv2dWeightGradient() gives the same bits in a replay, and leaves no memory behind", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, wave(216), [2, 3, 6, 6]);
  const dy = tensor(device, wave(288), [2, 4, 6, 6]);
  const eager = conv2dWeightGradient({ x, dy }, SMALL);
  const wanted = await read(eager.dw);
  const before = device.stats().liveBytes;
  for (let i = 0; i < 3; i++) {
    using _step = device.scope();
    conv2dWeightGradient({ x, dy }, SMALL);
  }
  assert.equal(device.stats().liveBytes, before);
  using program = record(device, () => conv2dWeightGradient({ x, dy }, SMALL).dw);
  program.run(2);
  assert.deepEqual(await read(program.result), wanted);
});

Deno.test("conv2dParams() refuses a kernel that does not fit, and sizes that are not whole", () => {
  const shape: Conv2dShape = {
    batch: 1,
    inChannels: 1,
    inHeight: 4,
    inWidth: 4,
    outChannels: 1,
    kernelHeight: 7,
    kernelWidth: 7,
  };
  assert.throws(() => conv2dParams({ ...shape, padding: 1 }), {
    name: "RangeError",
    message: "Cannot convolve: the kernel must fit into the padded input: kernel is [7, 7], " +
      "padded input is [6, 6]",
  });
  assert.equal(conv2dParams({ ...shape, padding: 2 }).outWidth, 2);
  assert.throws(() => conv2dParams({ ...shape, stride: 0.5 }), /stride must be a whole number/);
  assert.throws(() => conv2dParams({ ...shape, padding: -1 }), /padding must be a whole number/);
});

Deno.test("conv2dForward() of a kernel of 1 x 1 is right with and without bias, ReLU and a population", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const sizes = { batch: 3, inChannels: 8, inHeight: 4, inWidth: 6, outChannels: 20 };
  for (const networks of [1, 2]) {
    const params = conv2dParams({ ...sizes, networks, kernelHeight: 1, kernelWidth: 1 });
    const x = wave(networks * 3 * 8 * 24);
    const weight = wave(networks * 20 * 8);
    const inputs = { x: tensor(device, x), weight: tensor(device, weight) };
    for (const bias of [undefined, wave(networks * 20)]) {
      for (const relu of [false, true]) {
        const given = bias === undefined ? inputs : { ...inputs, bias: tensor(device, bias) };
        const found = await read(conv2dForward(given, params, { relu }));
        const { y } = conv2dReference(
          {
            x: Float64Array.from(x),
            weight: Float64Array.from(weight),
            bias: Float64Array.from(bias ?? new Float32Array(networks * 20)),
          },
          params,
          { RELU: relu ? 1 : 0 },
          "forward",
        );
        assert.ok(relativeError(found, y) < 1e-6, `${networks} networks, relu ${relu}`);
      }
    }
  }
});
