import assert from "node:assert/strict";
import { type Chunk, chunksOf, uploadImages } from "../../../data/mod.ts";
import { calibrate, evaluate } from "../../../training/mod.ts";
import { compareNetworks } from "../../../experiments/inspect/compare_networks.ts";
import {
  type NetworkQuantization,
  plainVariant,
  quantizeNetwork,
} from "../../../experiments/inspect/variant.ts";
import type { Device } from "../../../gpu/mod.ts";
import { randomInteger, randomSource } from "../../../kernels/mod.ts";
import { cnn, fcNN, initialParameters, type Model, uploadParameters } from "../../../models/mod.ts";
import { testDevice } from "../../support/device.ts";

const IMAGES = 150;
const model = fcNN({ inputShape: [1, 4, 4], hidden: [8, 6], classes: 3 });
const parameters = initialParameters(model, 5);

/** Noise in chunks of 64, so that the last one is shorter. */
function noise(device: Device, { inputShape: [channels, height, width], classes }: Model): Chunk[] {
  const random = randomSource(1);
  const drawn = (length: number, most: number) =>
    Uint8Array.from({ length }, () => randomInteger(random, 0, most));
  const images = drawn(IMAGES * channels * height * width, 255);
  const labels = drawn(IMAGES, classes - 1);
  const set = { images, labels, count: IMAGES, channels, height, width };
  return chunksOf(device, uploadImages(device, set), 64);
}

const fourBits: NetworkQuantization = {
  weights: { grid: { kind: "affine", bits: 4 }, granularity: "channel" },
  rounding: "nearestEven",
};

Deno.test("compareNetworks() finds no difference between a network and itself", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const chunks = noise(device, model);
  const same = plainVariant(parameters);
  const { tensors, first, a, b, ...counts } = await compareNetworks(
    device,
    model,
    same,
    same,
    chunks,
  );
  assert.equal(first, undefined);
  assert.deepEqual(
    tensors.map(({ layer, part }) => `${layer} ${part}`),
    ["fc1", "fc2", "fc3"].flatMap((layer) =>
      ["input", "weight", "bias", "output"].map((part) => `${layer} ${part}`)
    ),
  );
  assert.ok(
    tensors.every(({ signalToNoise, largest }) => signalToNoise === Infinity && largest === 0),
  );
  assert.deepEqual(tensors.map(({ channels }) => channels), [
    ...[16, 8, 8, 8],
    ...[8, 6, 6, 6],
    ...[6, 3, 3, 3],
  ]);
  assert.deepEqual(a, b);
  assert.deepEqual(counts, { images: IMAGES, changed: 0, lost: 0, gained: 0 });
});

Deno.test("compareNetworks() names the first tensor that differs, and sees what it leads to", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const chunks = noise(device, model);
  const bias = Float32Array.from(parameters["fc2.bias"]);
  bias[1] -= 100; // ReLU lets nothing of it through
  const changed = plainVariant({ ...parameters, "fc2.bias": bias });
  const result = await compareNetworks(device, model, plainVariant(parameters), changed, chunks);
  assert.deepEqual(result.first, { layer: "fc2", part: "bias" });
  const of = (layer: string, part: string) =>
    result.tensors.find((one) => one.layer === layer && one.part === part)!;
  assert.equal(of("fc2", "input").signalToNoise, Infinity);
  assert.ok(Math.abs(of("fc2", "bias").largest - 100) < 1e-5);
  assert.equal(of("fc2", "output").deadB, of("fc2", "output").deadA + 1);
  assert.equal(of("fc3", "input").deadB, of("fc2", "output").deadB);
  assert.ok(Number.isFinite(of("fc3", "output").signalToNoise));
});

Deno.test("compareNetworks() measures both networks as evaluate() does, and counts what changed", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const chunks = noise(device, model);
  // large weights, so that the network does not say the same of all images
  const large = Object.fromEntries(
    Object.entries(parameters).map(([name, values]) => [name, values.map((value) => 8 * value)]),
  );
  const quantized = quantizeNetwork(model, large, {
    ...fourBits,
    weights: { grid: { kind: "affine", bits: 2 }, granularity: "tensor" },
  }, {});
  const result = await compareNetworks(device, model, plainVariant(large), quantized, chunks);
  const both = uploadParameters(device, model, [large, quantized.parameters]).tensors;
  const evaluated = await evaluate(model, both, 2, chunks);
  for (const [i, { accuracy, loss, correct }] of [result.a, result.b].entries()) {
    assert.equal(correct, evaluated[i].correct);
    assert.equal(accuracy, evaluated[i].accuracy);
    assert.ok(Math.abs(loss / evaluated[i].loss - 1) < 1e-5);
  }
  assert.equal(result.b.correct - result.a.correct, result.gained - result.lost);
  assert.ok(result.changed > 0 && result.changed <= 1);
  assert.ok(result.changed * IMAGES >= result.gained + result.lost);
  assert.deepEqual(result.first, { layer: "fc1", part: "weight" });
});

Deno.test("compareNetworks() counts what the grids of weights and inputs clip", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const chunks = noise(device, model);
  const { tensors } = uploadParameters(device, model, [parameters]);
  const { ranges } = await calibrate(device, model, tensors, chunks);
  const build = (share: number) =>
    quantizeNetwork(
      model,
      parameters,
      { ...fourBits, activationBits: 6 },
      Object.fromEntries(
        Object.entries(ranges).map((
          [layer, { low, high }],
        ) => [layer, { low: share * low, high: share * high }]),
      ),
    );
  const plain = plainVariant(parameters);
  const clippedOf = async (share: number) => {
    const result = await compareNetworks(device, model, plain, build(share), chunks);
    const inputs = result.tensors.filter(({ part }) => part === "input");
    assert.deepEqual(result.first, { layer: "fc1", part: "input" });
    for (const { part, clipped } of result.tensors) {
      if (part === "output" || part === "bias") assert.equal(clipped, undefined);
      if (part === "weight") assert.equal(clipped, 0, "the range is the weights' own");
    }
    return inputs.map(({ clipped }) => clipped!);
  };
  assert.equal((await clippedOf(1))[0], 0, "the images are those of the calibration");
  const [half] = await clippedOf(0.5);
  // pixels are uniform from 0 to 255: half of them are brighter than half the range
  assert.ok(Math.abs(half - 0.5) < 0.05, `${half}`);
});

Deno.test("compareNetworks() compares convolutions by their channels", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const images = cnn({ inputShape: [1, 12, 12], channels: [4, 6], classes: 3 });
  const trained = initialParameters(images, 2);
  const quantized = quantizeNetwork(images, trained, fourBits, {});
  const result = await compareNetworks(
    device,
    images,
    plainVariant(trained),
    quantized,
    noise(device, images),
  );
  assert.deepEqual(result.first, { layer: "conv1", part: "weight" });
  const outputs = result.tensors.filter(({ part }) => part === "output");
  assert.deepEqual(outputs.map(({ channels }) => channels), [4, 6, 3]);
  assert.ok(outputs.every(({ signalToNoise }) => signalToNoise > 5 && signalToNoise < 60));
});
