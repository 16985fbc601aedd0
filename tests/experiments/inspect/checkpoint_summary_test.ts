import assert from "node:assert/strict";
import {
  summarizeCheckpoint,
  summarizeTensor,
} from "../../../experiments/inspect/checkpoint_summary.ts";
import { encodeSafetensors } from "../../../formats/mod.ts";

Deno.test("summarizeTensor() finds range, zeros, levels and dead channels of a weight", () => {
  const data = Float32Array.of(1, -2, 1, 0, 0, -0, 0.5, NaN, Infinity);
  assert.deepEqual(summarizeTensor("fc1.weight", { dtype: "F32", shape: [3, 3], data }), {
    name: "fc1.weight",
    dtype: "F32",
    shape: [3, 3],
    count: 9,
    low: -2,
    high: 1,
    zeros: 3,
    notFinite: 2,
    levels: 3,
    channels: 3,
    deadChannels: 1,
    bytes: 36,
  });
});

Deno.test("summarizeTensor() reads the numbers of every element type", () => {
  const range = (tensor: Parameters<typeof summarizeTensor>[1]) => {
    const { low, high } = summarizeTensor("x", tensor);
    return [low, high];
  };
  const shape = [2];
  assert.deepEqual(range({ dtype: "F16", shape, data: Uint16Array.of(0xc000, 0x3800) }), [-2, 0.5]);
  assert.deepEqual(range({ dtype: "BF16", shape, data: Uint16Array.of(0xc000, 0x3f00) }), [
    -2,
    0.5,
  ]);
  assert.deepEqual(range({ dtype: "I64", shape, data: BigInt64Array.of(-3n, 7n) }), [-3, 7]);
  assert.deepEqual(range({ dtype: "I8", shape, data: Int8Array.of(-128, 5) }), [-128, 5]);
  const none = summarizeTensor("x", { dtype: "F32", shape: [0, 3], data: new Float32Array() });
  assert.ok(Number.isNaN(none.low) && none.count === 0 && none.channels === 0);
});

Deno.test("summarizeCheckpoint() counts what only training needs apart from the network", () => {
  const of = (...values: number[]) => ({
    dtype: "F32" as const,
    shape: [values.length],
    data: Float32Array.from(values),
  });
  const file = encodeSafetensors(
    new Map([
      ["fc.bias", of(1, 2, 3)],
      ["optimizer.m.fc.bias", of(0, 0, 0)],
      ["unaveraged.fc.bias", of(0, 0, 0)],
    ]),
    { model: "a model" },
  );
  const summary = summarizeCheckpoint(file, "m.safetensors");
  assert.deepEqual(summary.tensors.map(({ name }) => name), ["fc.bias"]);
  assert.equal(summary.parameters, 3);
  assert.deepEqual(summary.training, { tensors: 2, bytes: 24 });
  assert.equal(summary.bytes, file.length);
  assert.equal(summary.metadata.model, "a model");
  assert.throws(() => summarizeCheckpoint(file.subarray(0, 20), "cut"), { name: "UserError" });
});
