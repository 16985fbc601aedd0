import assert from "node:assert/strict";
import {
  chooseQuantParams,
  chooseWeightGrids,
  integerProgram,
  quantize,
  rangesOf,
  type RequantizationKind,
  roundToGrids,
} from "../../../../compression/mod.ts";
import { type Device, read, readAll, type Tensor, tensor } from "../../../../gpu/mod.ts";
import { randomSource } from "../../../../kernels/mod.ts";
import {
  cnn,
  fcNN,
  type HostParameters,
  initialParameters,
  type Model,
  parameterShape,
  resnet,
  uploadParameters,
} from "../../../../models/mod.ts";
import { toIntegers } from "../../../../training/mod.ts";
import { testDevice } from "../../../support/device.ts";
import { runOracle } from "../../../support/integer_oracle.ts";

const ROWS = 5;

function drawImages(model: Model, seed: number): Float32Array<ArrayBuffer> {
  const random = randomSource(seed);
  const pixels = model.inputShape.reduce((a, b) => a * b, 1);
  return Float32Array.from({ length: ROWS * pixels }, () => random());
}

/** Grids of every layer's input from what it really sees, one grid an output for weights. */
async function quantizedNetwork(
  device: Device,
  model: Model,
  parameters: HostParameters,
  images: Float32Array<ArrayBuffer>,
  bits: number,
) {
  using _scope = device.scope();
  const inputs: Record<string, Tensor> = {};
  const x = tensor(device, images, [1, ROWS, images.length / ROWS]);
  model.forward(uploadParameters(device, model, [parameters]).tensors, x, {
    layerInput: (layer, input) => inputs[layer] = input,
  });
  const seen = await readAll(Object.values(inputs));
  const inputGrids = Object.fromEntries(
    Object.keys(inputs).map((layer, i) => [
      layer,
      chooseQuantParams(rangesOf(seen[i] as Float32Array, 1)[0], bits),
    ]),
  );
  const weights = Object.fromEntries(model.layers.map((layer) => {
    const values = parameters[`${layer}.weight`];
    const shape = parameterShape(model, `${layer}.weight`);
    const grids = chooseWeightGrids(values, shape, {
      grid: { kind: "affine", bits: bits as 8, symmetric: false },
      granularity: "channel",
      observer: { kind: "minMax" },
    });
    return [`${layer}.weight`, roundToGrids(values, shape, grids)];
  }));
  return { parameters, weights, inputGrids };
}

const MODELS: readonly Model[] = [
  fcNN({ inputShape: [1, 5, 3], hidden: [9, 6], classes: 4 }),
  cnn({ inputShape: [2, 12, 12], channels: [5, 3], padding: 1, hidden: [7], classes: 4 }),
  cnn({ inputShape: [1, 13, 13], channels: [3], kernel: 4, padding: 0, rectified: false }),
  resnet({ depth: 8, width: 4, inputShape: [3, 9, 9], classes: 5, folded: true }),
];

for (const model of MODELS) {
  for (const kind of ["float", "fixedPoint"] as const satisfies RequantizationKind[]) {
    Deno.test(`integerProgram() gives the integers of ${model.title} that BigInt gives, ${kind}`, async () => {
      const device = await testDevice();
      using _scope = device.scope();
      for (const bits of [8, 4, 2]) {
        const images = drawImages(model, bits);
        const parameters = initialParameters(model, bits);
        const quantized = await quantizedNetwork(device, model, parameters, images, bits);
        const network = toIntegers(model, quantized);
        const seen: Record<string, Tensor> = {};
        const logits = await read(
          integerProgram(device, network).forward(
            tensor(device, images, [1, ROWS, images.length / ROWS]),
            { requantization: kind, layerInput: (layer, codes) => seen[layer] = codes },
          ),
        );
        const codes = await readAll(Object.values(seen));
        const pixels = images.length / ROWS;
        const { accumulatorScales } = network.steps.at(-1)!.layer;
        for (let row = 0; row < ROWS; row++) {
          const image = Array.from(
            images.subarray(row * pixels, (row + 1) * pixels),
            (value) => quantize(value, network.inputGrid),
          );
          const wanted = runOracle(network, image, kind);
          Object.keys(seen).forEach((layer, i) => {
            const each = codes[i].length / ROWS;
            const found = codes[i].subarray(row * each, (row + 1) * each);
            assert.deepEqual(Array.from(found), wanted.codes[layer], `${layer}, ${bits} bits`);
          });
          wanted.accumulators.forEach((a, o) => {
            const value = Math.fround(Math.fround(a) * Math.fround(accumulatorScales[o]));
            assert.equal(logits[row * wanted.accumulators.length + o], value);
          });
        }
      }
    });
  }
}

Deno.test("integerProgram() is close to the same network with fake quantization", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { fakeQuantize, uploadGrids } = await import("../../../../autograd/mod.ts");
  const { dequantizeWeight } = await import("../../../../compression/mod.ts");
  const model = MODELS[1];
  const images = drawImages(model, 3);
  const parameters = initialParameters(model, 3);
  const quantized = await quantizedNetwork(device, model, parameters, images, 8);
  const x = tensor(device, images, [1, ROWS, images.length / ROWS]);
  const rounded = Object.fromEntries(
    Object.entries(quantized.weights).map((
      [name, weight],
    ) => [name, dequantizeWeight(weight)]),
  );
  const tensors = uploadParameters(device, model, [{ ...parameters, ...rounded }]).tensors;
  const fake = await read(model.forward(tensors, x, {
    layerInput: (layer, input) =>
      fakeQuantize(input, uploadGrids(device, [quantized.inputGrids[layer]], input.size)),
  }));
  const found = await read(integerProgram(device, toIntegers(model, quantized)).forward(x));
  const span = Math.max(...fake) - Math.min(...fake);
  fake.forEach((value, i) => {
    assert.ok(Math.abs(found[i] - value) < 0.01 * span, `${found[i]} for ${value}`);
  });
});
