import assert from "node:assert/strict";
import {
  add,
  averagePool,
  backward,
  batchNorm,
  globalAveragePool,
  optionAShortcut,
} from "../../autograd/mod.ts";
import { decodeSafetensors } from "../../formats/mod.ts";
import { type Device, read, type Tensor, tensor } from "../../gpu/mod.ts";
import { testDevice } from "../support/device.ts";
import { relativeError } from "../support/relative_error.ts";

const FIXTURE = new URL("../fixtures/torch/residual_ops.safetensors", import.meta.url);
const { tensors, metadata } = decodeSafetensors(Deno.readFileSync(FIXTURE), "residual_ops");

function fixture(name: string): { data: Float32Array<ArrayBuffer>; shape: readonly number[] } {
  const found = tensors.get(name);
  assert.ok(found?.dtype === "F32", `the fixture must hold ${name}`);
  return found;
}

function upload(device: Device, name: string): Tensor {
  const { data, shape } = fixture(name);
  return tensor(device, data, shape);
}

/** Compares tensors with those of a fixture, by the names that they have there. */
async function assertClose(prefix: string, found: Readonly<Record<string, Tensor>>): Promise<void> {
  for (const [name, result] of Object.entries(found)) {
    const { data, shape } = fixture(`${prefix}.${name}`);
    assert.deepEqual(result.shape, shape, name);
    const error = relativeError(await read(result), data);
    assert.ok(error < 1e-6, `${name}: relative error ${error}`);
  }
}

const normalizations: readonly {
  readonly momentum: number;
  readonly epsilon: number;
  readonly isTraining: boolean;
  readonly relu: boolean;
  readonly shortcut: boolean;
}[] = JSON.parse(metadata.batch_norm);

for (const [index, { shortcut: added, ...options }] of normalizations.entries()) {
  const prefix = `batch_norm.${index}`;
  const label = `[${fixture(`${prefix}.x`).shape}], ` +
    Object.entries({ ...options, shortcut: added }).map(([key, value]) => `${key} ${value}`)
      .join(", ");
  Deno.test(`batchNorm() and its gradients agree with PyTorch: ${label}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const of = (name: string) => upload(device, `${prefix}.${name}`);
    const [x, weight, bias, seed] = ["x", "weight", "bias", "dy"].map(of);
    const averages = { runningMean: of("runningMean"), runningVar: of("runningVar") };
    const shortcut = added ? of("shortcut") : undefined;
    const y = batchNorm(x, { weight, bias, ...averages }, { ...options, shortcut });
    await assertClose(prefix, { y });
    await assertClose(`${prefix}.after`, averages);
    const inputs = shortcut === undefined ? [x, weight, bias] : [x, weight, bias, shortcut];
    const [dx, dWeight, dBias, dShortcut] = backward(y, inputs, { seed }).values();
    await assertClose(prefix, { dx, dWeight, dBias, ...dShortcut && { dShortcut } });
  });
}

const poolings: readonly {
  readonly size: number;
  readonly stride: number;
  readonly padding?: number;
}[] = JSON.parse(metadata.average_pool);

for (const [index, { size, stride, padding }] of poolings.entries()) {
  const prefix = `average_pool.${index}`;
  const name = size === 0 ? "globalAveragePool()" : "averagePool()";
  const label = `[${fixture(`${prefix}.x`).shape}]` +
    (size === 0 ? "" : `, windows of ${size}, stride ${stride}, padding ${padding ?? "left out"}`);
  Deno.test(`${name} and its gradient agree with PyTorch: ${label}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const x = upload(device, `${prefix}.x`);
    const y = size === 0 ? globalAveragePool(x) : averagePool(x, { size, stride, padding });
    const dx = backward(y, [x], { seed: upload(device, `${prefix}.dy`) }).get(x)!;
    await assertClose(prefix, { y, dx });
  });
}

const shortcuts: readonly { readonly outChannels: number }[] = JSON.parse(metadata.shortcut);

for (const [index, { outChannels }] of shortcuts.entries()) {
  const prefix = `shortcut.${index}`;
  const label = `[${fixture(`${prefix}.x`).shape}] to ${outChannels} channels`;
  Deno.test(`optionAShortcut() and its gradient agree with PyTorch: ${label}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const x = upload(device, `${prefix}.x`);
    const y = optionAShortcut(x, outChannels);
    const dx = backward(y, [x], { seed: upload(device, `${prefix}.dy`) }).get(x)!;
    await assertClose(prefix, { y, dx });
  });
}

Deno.test("add() and its gradients agree with PyTorch, also with a ReLU behind it", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const [a, b, seed] = ["a", "b", "dy"].map((name) => upload(device, `add.${name}`));
  const y = add(a, b, { relu: true });
  const [da, db] = backward(y, [a, b], { seed }).values();
  await assertClose("add", { sum: add(a, b), y, da, db });
});

/** Numbers of mean 1000 and deviation 0.1, of which the first of every plane is far from the others. */
function farNumbers(length: number, outlier: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    { length },
    (_, i) => i % 64 === 0 ? outlier : 1000 + 0.1 * Math.SQRT2 * Math.sin(2.3 * i + 1),
  );
}

for (const outlier of [1000, 0]) {
  Deno.test(`batchNorm() keeps its digits where the mean is 1000 and the deviation 0.1, corners ${outlier}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const shape = [1, 48, 1, 8, 8];
    const host = farNumbers(48 * 64, outlier);
    const wide = Float64Array.from(host);
    const count = wide.length;
    const mean = wide.reduce((sum, value) => sum + value, 0) / count;
    const squares = wide.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const one = (value: number) => tensor(device, [value], [1, 1]);
    const averages = { runningMean: one(0), runningVar: one(0) };
    const y = batchNorm(
      tensor(device, host, shape),
      { weight: one(1), bias: one(0), ...averages },
      {
        isTraining: true,
        momentum: 1,
      },
    );
    const deviation = Math.sqrt(squares / count + 1e-5);
    // float32 holds a number near 1000 to 3e-5: so far may the mean be from the true one
    const found = await read(y);
    found.forEach((value, i) =>
      assert.ok(Math.abs(value - (wide[i] - mean) / deviation) < 6e-5 / deviation + 1e-5)
    );
    const [variance] = await read(averages.runningVar);
    assert.ok(Math.abs(variance / (squares / (count - 1)) - 1) < 1e-5, `variance ${variance}`);
    assert.ok(Math.abs((await read(averages.runningMean))[0] - mean) < 6e-5);
  });
}
