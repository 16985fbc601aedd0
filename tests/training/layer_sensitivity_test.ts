import assert from "node:assert/strict";
import {
  chooseWeightGrids,
  dequantizeWeight,
  hessianSensitivity,
  roundToGrids,
} from "../../compression/mod.ts";
import { type Chunk, chunksOf, splitChunk, uploadImages } from "../../data/mod.ts";
import { cnn, fcNN, initialParameters, type Model, uploadParameters } from "../../models/mod.ts";
import {
  evaluate,
  layerHessianTraces,
  measureSensitivities,
  type QuantizeToBits,
} from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";
import { smallModel, smallSet } from "./small_set.ts";

const quantize: QuantizeToBits = (values, shape, bits) =>
  roundToGrids(
    values,
    shape,
    chooseWeightGrids(values, shape, {
      grid: { kind: "affine", bits: bits as 4, symmetric: false },
      granularity: "channel",
      observer: { kind: "minMax" },
    }),
  );

Deno.test("measureSensitivities() gives the loss that each layer alone adds, of all variants at once", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const set = smallSet(100);
  const chunks = chunksOf(device, uploadImages(device, set));
  const parameters = initialParameters(smallModel, 2);
  const found = await measureSensitivities(
    device,
    smallModel,
    parameters,
    chunks,
    [1, 3, 8],
    quantize,
  );
  assert.deepEqual(found.map(({ layer }) => layer), ["fc1", "fc2"]);
  const alone = async (values: typeof parameters) => {
    const { tensors } = uploadParameters(device, smallModel, [values]);
    return (await evaluate(smallModel, tensors, 1, chunks))[0].loss;
  };
  const before = await alone(parameters);
  const rounded = dequantizeWeight(quantize(parameters["fc2.weight"], [4, 8], 3));
  const wanted = await alone({ ...parameters, "fc2.weight": rounded }) - before;
  const choice = found[1].choices[1];
  assert.equal(choice.bits, 3);
  // codes, then a scale and a zero point for each of four channels
  assert.equal(choice.bytes, Math.ceil((32 * 3 + 4 * (32 + 3)) / 8));
  assert.ok(Math.abs(choice.sensitivity - wanted) < 1e-6, `${choice.sensitivity} for ${wanted}`);
  const magnitudes = found.map(({ choices }) =>
    choices.map(({ sensitivity }) => Math.abs(sensitivity))
  );
  for (const [coarse, , fine] of magnitudes) assert.ok(fine < coarse);
});

Deno.test("layerHessianTraces() gives the Hessian of logistic regression", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const set = smallSet(60);
  const model = fcNN({ inputShape: [1, 4, 4], hidden: [], classes: 4 });
  const parameters = initialParameters(model, 5);
  const chunks = chunksOf(device, uploadImages(device, set));
  const found = await layerHessianTraces(device, model, parameters, chunks, {
    samples: 60,
    seed: 1,
    step: 0.05,
  });
  // of softmax regression: sum over classes of p (1 - p), times the squared length of the input
  let trace = 0;
  for (let n = 0; n < set.count; n++) {
    const x = Array.from(set.images.subarray(16 * n, 16 * n + 16), (byte) => byte / 255);
    const logits = Array.from(
      parameters["fc1.bias"],
      (b, o) => x.reduce((sum, v, i) => sum + v * parameters["fc1.weight"][16 * o + i], b),
    );
    const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
    const spread = logits.map((z) => Math.exp(z) / total).reduce((s, p) => s + p * (1 - p), 0);
    trace += spread * x.reduce((sum, v) => sum + v * v, 0) / set.count;
  }
  const estimate = found["fc1.weight"];
  assert.ok(
    Math.abs(estimate.trace - trace) < 4 * estimate.standardError + 0.01 * trace,
    `${estimate.trace} +- ${estimate.standardError} for ${trace}`,
  );
  assert.ok(estimate.standardError < 0.2 * trace);
  const rounded = dequantizeWeight(quantize(parameters["fc1.weight"], [4, 16], 3));
  assert.ok(hessianSensitivity(estimate.trace, parameters["fc1.weight"], rounded) > 0);
});

Deno.test("layerHessianTraces() keeps what pooling leaves out within a buffer", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const count = 512;
  const images = Uint8Array.from({ length: count * 784 }, (_, i) => i * 7919 % 256);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 10);
  const set = { images, labels, count, channels: 1, height: 28, width: 28 };
  const chunks = chunksOf(device, uploadImages(device, set));
  const tracesOf = async (model: Model, images: readonly Chunk[]) => {
    const options = { samples: 1, seed: 0 };
    const parameters = initialParameters(model, 1);
    const found = await layerHessianTraces(device, model, parameters, images, options);
    assert.deepEqual(Object.keys(found), ["conv1.weight", "conv2.weight", "fc.weight"]);
    for (const { trace } of Object.values(found)) assert.ok(Number.isFinite(trace));
  };
  // six networks at once: 154 MB of gradients before pooling, where an adapter may bind 128 MiB
  await tracesOf(cnn(), chunks);
  // the same of 64 images alone, which is as few as there are in a part
  await tracesOf(
    cnn({ channels: [128, 2] }),
    chunks.flatMap((one) => splitChunk(one, 64)).slice(0, 1),
  );
});
