import assert from "node:assert/strict";
import type { PixelRows } from "../../autograd/mod.ts";
import { type AffineQuantization, quantizeWeight } from "../../compression/mod.ts";
import { chunksOf, uploadImages } from "../../data/mod.ts";
import { randomInteger, randomSource } from "../../kernels/mod.ts";
import {
  fcNN,
  initialParameters,
  type Model,
  rowsAtOnce,
  uploadParameters,
} from "../../models/mod.ts";
import { evaluate } from "../../training/mod.ts";
import { linear64 } from "../autograd/central_difference.ts";
import { testDevice } from "../support/device.ts";
import { smallModel, smallSet } from "./small_set.ts";

const SET = smallSet(150, 2);

/** What a network does on the set, in float64. */
function evaluateOnHost(network: ReturnType<typeof initialParameters>) {
  const wide = (values: ArrayLike<number>) => Float64Array.from(values);
  const layer = (x: Float64Array, name: string, inputs: number, outputs: number, relu: boolean) => {
    const sizes = { networks: 1, rows: SET.count, inputs, outputs };
    return linear64(x, wide(network[`${name}.weight`]), wide(network[`${name}.bias`]), sizes, relu);
  };
  const x = wide(SET.images).map((byte) => byte / 255);
  const logits = layer(layer(x, "fc1", 16, 8, true), "fc2", 8, 4, false);
  const predictions = [0, 0, 0, 0];
  let [correct, loss] = [0, 0];
  SET.labels.forEach((label, r) => {
    const row = logits.subarray(4 * r, 4 * r + 4);
    const predicted = row.indexOf(Math.max(...row));
    predictions[predicted]++;
    if (predicted === label) correct++;
    loss += Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0)) - row[label];
  });
  return { correct, loss: loss / SET.count, predictions };
}

Deno.test("evaluate() counts what the host counts, chunk by chunk", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const network = initialParameters(smallModel, 3);
  const { tensors } = uploadParameters(device, smallModel, [network]);
  const images = uploadImages(device, SET);
  const wanted = evaluateOnHost(network);
  for (const chunkRows of [64, 2048]) {
    const [found] = await evaluate(smallModel, tensors, 1, chunksOf(device, images, chunkRows));
    assert.equal(found.correct, wanted.correct);
    assert.deepEqual(found.predictions, wanted.predictions);
    assert.equal(found.predictedClasses, wanted.predictions.filter((n) => n > 0).length);
    assert.equal(found.count, 150);
    assert.equal(found.accuracy, wanted.correct / 150);
    assert.ok(Math.abs(found.loss - wanted.loss) < 1e-6, `${found.loss}, host ${wanted.loss}`);
  }
});

Deno.test("evaluate() lets no more images through at once than a model can take", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const seen: number[] = [];
  const model: Model = {
    ...smallModel,
    activations: 2 ** 19,
    forward(parameters, input, hooks) {
      seen.push((input as PixelRows).rows.shape[1]);
      return smallModel.forward(parameters, input, hooks);
    },
  };
  assert.deepEqual([1, 2, 3].map((networks) => rowsAtOnce(model, networks)), [128, 64, 64]);
  assert.equal(rowsAtOnce(smallModel, 3), Infinity);
  const { tensors } = uploadParameters(device, model, [initialParameters(model, 3)]);
  const chunks = chunksOf(device, uploadImages(device, SET));
  const [whole] = await evaluate(smallModel, tensors, 1, chunks);
  const [found] = await evaluate(model, tensors, 1, chunks);
  assert.deepEqual(seen, [128, 22]);
  assert.ok(Math.abs(found.loss - whole.loss) < 1e-6);
  assert.deepEqual({ ...found, loss: 0 }, { ...whole, loss: 0 });
});

Deno.test("evaluate() of a population equals one network at a time", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const networks = [1, 2, 3, 4, 5].map((seed) => initialParameters(smallModel, seed));
  const chunks = chunksOf(device, uploadImages(device, SET), 64);
  const together = await evaluate(
    smallModel,
    uploadParameters(device, smallModel, networks).tensors,
    networks.length,
    chunks,
  );
  for (const [p, network] of networks.entries()) {
    const { tensors } = uploadParameters(device, smallModel, [network]);
    assert.deepEqual(await evaluate(smallModel, tensors, 1, chunks), [together[p]]);
  }
});

Deno.test("evaluate() gives FC_NN in 16 quantizations, quantized together, what each gets alone", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const random = randomSource(16);
  const count = 256;
  // strokes between blank margins, as digits have
  const images = Uint8Array.from({ length: count * 28 * 28 }, (_, i) => {
    const [y, x] = [Math.floor(i / 28) % 28, i % 28];
    const isBlank = Math.min(x, y) < 4 || Math.max(x, y) > 23 || random() < 0.5;
    return isBlank ? 0 : randomInteger(random, 1, 255);
  });
  const labels = Uint8Array.from({ length: count }, () => randomInteger(random, 0, 9));
  const set = { images, labels, count, channels: 1, height: 28, width: 28 };
  const chunks = chunksOf(device, uploadImages(device, set));
  const [model, bits] = [fcNN(), [1, 2, 3, 4, 5, 6, 7, 8] as const];
  const host = initialParameters(model, 0);
  const variants = (["tensor", "channel"] as const).flatMap((granularity) =>
    bits.map((one): AffineQuantization => ({ bits: one, granularity }))
  );
  const measure = (quantizations: readonly AffineQuantization[]) => {
    const { tensors } = uploadParameters(device, model, quantizations.map(() => host));
    const weights = model.layers.map((layer) => `${layer}.weight`)
      .map((name) => [name, quantizeWeight(tensors[name], host[name], quantizations)]);
    const quantized = { ...tensors, ...Object.fromEntries(weights) };
    return evaluate(model, quantized, quantizations.length, chunks);
  };
  const together = await measure(variants);
  assert.ok(new Set(together.map(({ loss }) => loss)).size > 8, "they differ");
  for (const [p, variant] of variants.entries()) {
    assert.deepEqual(await measure([variant]), [together[p]], `${p}`);
  }
});

Deno.test("evaluate() shows that a network has collapsed", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const network = initialParameters(smallModel, 1);
  const collapsed = { ...network, "fc2.bias": new Float32Array([0, 0, 99, 0]) };
  const { tensors } = uploadParameters(device, smallModel, [collapsed]);
  const [found] = await evaluate(
    smallModel,
    tensors,
    1,
    chunksOf(device, uploadImages(device, SET)),
  );
  assert.equal(found.predictedClasses, 1);
  assert.deepEqual(found.predictions, [0, 0, 150, 0]);
  assert.equal(found.correct, SET.labels.filter((label) => label === 2).length);
});

Deno.test("evaluate() keeps no memory", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { tensors } = uploadParameters(device, smallModel, [initialParameters(smallModel, 1)]);
  const chunks = chunksOf(device, uploadImages(device, SET), 64);
  const before = device.stats().liveBytes;
  await evaluate(smallModel, tensors, 1, chunks);
  assert.equal(device.stats().liveBytes, before);
});
