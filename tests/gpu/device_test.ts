import assert from "node:assert/strict";
import {
  AdapterNotFoundError,
  defineKernels,
  DeviceLostError,
  empty,
  formatBytes,
  GpuValidationError,
  openDevice,
  OutOfMemoryError,
  read,
  run,
  ShaderError,
  tensor,
  write,
} from "../../gpu/mod.ts";
import { testDevice } from "../support/device.ts";
import { scaleKernels, scaleParams, scaleSpec } from "./scale_kernels.ts";

Deno.test("openDevice() says which adapter it opened", async () => {
  const { info, isSoftware } = await testDevice();
  assert.ok(info.name.length > 0);
  assert.equal(isSoftware, info.isSoftware);
});

Deno.test("openDevice() says what to install where no adapter is found", async () => {
  const gpu = { requestAdapter: () => Promise.resolve(null) } as unknown as GPU;
  await assert.rejects(openDevice({ gpu }), (error) => {
    assert.ok(error instanceof AdapterNotFoundError);
    assert.match(
      error.message,
      /^Cannot open a device: no WebGPU adapter was found: .*mesa-vulkan/,
    );
    return true;
  });
});

Deno.test("read() shows file, line and caret of a shader that does not compile", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const statement = "  y[id.x] = value;";
  const source = scaleSpec.source.replace(statement, "  y[id.x] = valu;");
  const line = source.split("\n").findIndex((text) => text.includes("valu;")) + 1;
  const broken = defineKernels({ ...scaleSpec, source });
  for (const kernel of [broken.scale, broken.split, broken.scale]) {
    const { y } = run(kernel, { x: tensor(device, [1, 2]) }, scaleParams(2));
    await assert.rejects(read(y), (error) => {
      assert.ok(error instanceof ShaderError, `${error}`);
      const [title, place, text, caret] = error.message.split("\n");
      assert.equal(title, "Cannot compile tests/gpu/scale.wgsl:");
      const reason = "no definition in scope for identifier: `valu`";
      assert.equal(place, `tests/gpu/scale.wgsl:${line}:13 ${reason}`);
      assert.equal(text, "    y[id.x] = valu;");
      assert.equal(caret, `  ${" ".repeat(12)}^`);
      return true;
    });
  }
});

Deno.test("read() works again after it has reported an error", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  device.gpu.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE });
  const x = tensor(device, [1, 2]);
  await assert.rejects(read(x), (error) => {
    assert.ok(error instanceof GpuValidationError);
    assert.match(error.message, /^Cannot use the GPU: /);
    assert.ok(!error.message.includes("\n"));
    assert.ok(error.cause instanceof GPUValidationError);
    return true;
  });
  assert.deepEqual([...await read(x)], [1, 2]);
});

Deno.test("empty() names the adapter's limit where a tensor exceeds it", async () => {
  const device = await testDevice();
  const limit = device.gpu.limits.maxStorageBufferBindingSize;
  assert.throws(() => empty(device, [2 * limit / 4]), {
    name: "OutOfMemoryError",
    message: `Cannot allocate ${formatBytes(2 * limit)}: this adapter binds at most ` +
      `${formatBytes(limit)} in one buffer`,
  });
});

Deno.test("empty() names what is in use where the memory limit is exceeded", async () => {
  using device = await openDevice({ memoryLimit: 2 ** 20 });
  empty(device, [192 * 1024]);
  assert.throws(() => empty(device, [128 * 1024]), {
    name: "OutOfMemoryError",
    message: "Cannot allocate 512 KiB: 768 KiB are in use: the limit is 1.00 MiB",
  });
  assert.ok(empty(device, [32 * 1024]).size > 0);
});

Deno.test("empty() frees pooled buffers before the memory limit is exceeded", async () => {
  using device = await openDevice({ memoryLimit: 2 ** 20 });
  const size = 128 * 1024;
  const sum = empty(device, [4]);
  device.clear(sum);
  {
    using _scope = device.scope();
    const x = tensor(device, new Float32Array(size).fill(3));
    run(scaleKernels.accumulate, { x: { ...x, size: 4, shape: [4] }, total: sum }, scaleParams(4));
  }
  // the dispatch above still waits in the stream while the buffer that it reads is given back
  assert.equal(empty(device, [192 * 1024]).size, 192 * 1024);
  assert.deepEqual([...await read(sum)], [6, 6, 6, 6]);
  assert.ok(device.stats().pooledBytes < 4 * size);
  assert.throws(() => empty(device, [size]), OutOfMemoryError);
});

Deno.test("run() refuses a tensor whose scope was closed", async () => {
  const device = await testDevice();
  const scope = device.scope();
  const x = tensor(device, [1, 2]);
  scope[Symbol.dispose]();
  assert.throws(() => run(scaleKernels.scale, { x }, scaleParams(2)), {
    name: "RangeError",
    message: 'Cannot run kernel "scale.scale": "x" must be alive: its scope was closed',
  });
  const gone = {
    name: "TypeError",
    message: "Cannot use a tensor of shape [2]: its scope was closed",
  };
  await assert.rejects(read(x), gone);
  assert.throws(() => write(x, new Float32Array(2)), gone);
});

Deno.test("write() does not overtake a dispatch that still reads the tensor", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, [1, 2]);
  const { y } = run(scaleKernels.scale, { x }, scaleParams(2));
  write(x, new Float32Array([50, 60]));
  assert.deepEqual([...await read(y)], [2, 4]);
  assert.deepEqual([...await read(x)], [50, 60]);
});

Deno.test("read() says that the device was lost, every time", async () => {
  const device = await openDevice();
  const x = tensor(device, [1, 2]);
  device.gpu.destroy();
  await device.gpu.lost;
  await assert.rejects(read(x), DeviceLostError);
  await assert.rejects(read(x), DeviceLostError);
});

Deno.test("empty() refuses a device that was closed", async () => {
  const device = await openDevice();
  device[Symbol.dispose]();
  assert.throws(() => empty(device, [1]), {
    name: "TypeError",
    message: "Cannot use a device after it was closed",
  });
});
