import assert from "node:assert/strict";
import { backward, crossEntropy } from "../../autograd/mod.ts";
import { uploadImages } from "../../data/mod.ts";
import { read, tensor } from "../../gpu/mod.ts";
import { roundHalfEven } from "../../kernels/rounding.ts";
import {
  type ActivationGrid,
  cnn,
  createModel,
  type HostParameters,
  initialParameters,
  type Model,
  octalDigits,
  octizationOfCifar10,
  octizationOfMnist,
  parameterCount,
  readParameters,
  uploadParameters,
} from "../../models/mod.ts";
import { adam, createTrainer } from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";
import { relativeError } from "../support/relative_error.ts";
import { torchFixture } from "../support/torch_fixture.ts";

const fixture = torchFixture("octization");
const [ROWS, CLASSES] = [8, 4];
const gray = { inputShape: [1, 4, 4], classes: CLASSES, bits: 8 } as const;
const color = { inputShape: [3, 8, 8], classes: CLASSES, bits: 8 } as const;

const drawn = (size: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(i * i));

/** Steps of Adam on random images; what they changed. */
async function changedBy(model: Model, steps: number): Promise<string[]> {
  const device = await testDevice();
  using _scope = device.scope();
  const [channels, height, width] = model.inputShape;
  const count = 64;
  const images = uploadImages(device, {
    images: Uint8Array.from(drawn(count * channels * height * width), (x) => 127 + 127 * x),
    labels: Uint8Array.from({ length: count }, (_, i) => i % CLASSES),
    count,
    channels,
    height,
    width,
  }, model.normalization);
  const initial: HostParameters = initialParameters(model, 3);
  const plan = {
    optimizer: adam({ learningRate: 1e-3 }),
    schedule: { kind: "constant" },
    epochs: steps,
    batchSize: count,
  } as const;
  using trainer = createTrainer(device, model, images, plan, { seeds: [3], initial: [initial] });
  await trainer.train(steps);
  const [trained] = await readParameters(trainer.evaluated);
  return Object.keys(initial).filter((name) =>
    initial[name].some((w, i) => w !== trained[name][i])
  );
}

Deno.test("octalDigits() gives the values and gradients of the published layer, in PyTorch", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, fixture.floats("x"));
  const y = octalDigits(x, 255);
  const values = await read(y);
  fixture.floats("y").forEach((wanted, i) => {
    assert.ok(Math.abs(values[i] - wanted) <= 1e-5 * wanted, `${i}: ${values[i]}, ${wanted}`);
  });
  const gradients = backward(y, [x], { seed: tensor(device, fixture.floats("dy")) });
  const found = await read(gradients.get(x)!);
  fixture.floats("dx").forEach((wanted, i) => {
    // the ReLU before it hands on nothing of a gradient at 0, whatever that is
    if (fixture.floats("x")[i] === 0) return;
    assert.ok(
      Math.abs(found[i] - wanted) <= 1e-5 * Math.abs(wanted),
      `${i}: ${found[i]}, ${wanted}`,
    );
  });
});

Deno.test("octizationOfMnist() has the published size, and multiplies by integers", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const published = createModel(
    { kind: "octization_program", layer: { of: "mnist", kernel: "towardZero" }, bits: 8 },
    [1, 28, 28],
    10,
  );
  const sizes = published.parameters.map(({ shape }) => shape.reduce((a, b) => a * b));
  assert.equal(sizes.reduce((a, b) => a + b), 101_870);
  const x = drawn(ROWS * 16);
  const toInteger = {
    towardZero: Math.trunc,
    nearestEven: roundHalfEven,
    float32: (w: number) => w,
  };
  const outputs = new Set<string>();
  for (const kernel of ["towardZero", "nearestEven", "float32"] as const) {
    const model = octizationOfMnist(gray, kernel);
    const host = initialParameters(model, 5);
    const { kernel: plain } = initialParameters(octizationOfMnist(gray, "float32"), 5);
    assert.ok(plain.every((w) => Math.abs(w) <= 255 * 0.05) && plain.some((w) => w < -255 * 0.04));
    assert.deepEqual(host.kernel, plain.map(toInteger[kernel]), "the same numbers in every arm");
    assert.ok(host["fc1.bias"].every((b) => b === 0), "as Keras begins");
    const { tensors } = uploadParameters(device, model, [host]);
    const logits = await read(model.forward(tensors, tensor(device, x, [1, ROWS, 16])));
    const dense = (input: number[], layer: string, outputs: number) =>
      Array.from(
        { length: outputs },
        (_, o) =>
          input.reduce((sum, v, i) => sum + v * host[`${layer}.weight`][o * input.length + i], 0),
      );
    const wanted = Array.from({ length: ROWS }, (_, row) => {
      const hidden = dense([...x.subarray(16 * row, 16 * row + 16)], "fc1", 128)
        .map((h) => Math.max(h, 0));
      const fixed = Array.from(
        { length: 10 },
        (_, o) =>
          hidden.reduce(
            (sum, h, i) => sum + h * host.kernel[o * 128 + i],
            0,
          ),
      );
      return dense(fixed, "fc2", CLASSES);
    }).flat();
    assert.ok(relativeError(logits, wanted) < 1e-5, kernel);
    outputs.add(`${logits}`);
  }
  assert.equal(outputs.size, 3);
});

Deno.test("the layer in the middle of octizationOfMnist() is not trained, all else is", async () => {
  const names = ["fc1.bias", "fc1.weight", "fc2.bias", "fc2.weight"];
  assert.deepEqual((await changedBy(octizationOfMnist(gray, "towardZero"), 3)).sort(), names);
});

Deno.test("octizationOfCifar10() has the published size, and trains what has a gradient", async () => {
  const published = createModel(
    { kind: "octization_program", layer: { of: "cifar10", activations: "octalDigits" }, bits: 8 },
    [3, 32, 32],
    10,
  );
  assert.equal(parameterCount(published), 282_250);
  const [last, all] = [["fc2.weight", "fc2.bias"], published.parameters.map(({ name }) => name)];
  const trained = (grid: ActivationGrid) => changedBy(octizationOfCifar10(color, grid), 3);
  assert.deepEqual(await trained("nearestWithoutGradient"), last);
  for (const grid of ["octalDigits", "nearestEven", "towardZero", "float32"] as const) {
    assert.deepEqual(await trained(grid), all, grid);
  }
});

Deno.test("octizationOfCifar10() changes what the last layer sees, and nothing else", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, drawn(ROWS * 192), [1, ROWS, 192]);
  const labels = tensor(device, Uint32Array.from({ length: ROWS }, (_, i) => i % CLASSES));
  const plain = cnn({ ...color, channels: [32, 64], hidden: [64] });
  const host = initialParameters(plain, 2);
  const inspect = async (model: Model) => {
    const { tensors } = uploadParameters(device, model, [host]);
    const reading: ReturnType<typeof read>[] = [];
    const watch = (layer: string, y: ReturnType<Model["forward"]>) => {
      if (layer === "fc1") reading.push(read(y));
    };
    const logits = model.forward(tensors, x, { layerOutput: watch });
    const gradients = backward(crossEntropy(logits, labels), [tensors["fc1.weight"]]);
    const gradient = await read(gradients.get(tensors["fc1.weight"])!);
    return { logits: await read(logits), gradient, activations: await reading[0] };
  };
  const wanted = await inspect(plain);
  assert.deepEqual(await inspect(octizationOfCifar10(color, "float32")), wanted);
  const last = (seen: number[]) =>
    Array.from({ length: ROWS * CLASSES }, (_, at) => {
      const [row, o] = [Math.floor(at / CLASSES), at % CLASSES];
      return seen.slice(64 * row, 64 * row + 64).reduce(
        (sum, v, i) => sum + v * host["fc2.weight"][64 * o + i],
        host["fc2.bias"][o],
      );
    });
  for (
    const [grid, round] of [["nearestEven", roundHalfEven], ["towardZero", Math.trunc]] as const
  ) {
    const { logits, gradient } = await inspect(octizationOfCifar10(color, grid));
    const seen = Array.from(wanted.activations, (a) => round(Math.fround(255 * a)) / 255);
    assert.ok(relativeError(logits, last(seen)) < 1e-5, grid);
    assert.ok(relativeError(gradient, wanted.gradient) < 0.05, "gradients pass straight through");
  }
});
