import assert from "node:assert/strict";
import {
  type CalibratedLayer,
  chooseWeightGrids,
  dequantizeWeight,
  quantizeBySecondOrder,
  type QuantizedLayer,
  roundToGrids,
  type SecondOrderRecipe,
  type WeightGridOptions,
} from "../../compression/mod.ts";
import { type Chunk, chunksOf, type ImageSet, uploadImages } from "../../data/mod.ts";
import { type Device, type Tensor, zeros } from "../../gpu/mod.ts";
import {
  cnn,
  type HostParameters,
  initialParameters,
  type Model,
  readParameters,
  resnet,
  uploadParameters,
} from "../../models/mod.ts";
import {
  type ActivationGridOptions,
  adam,
  createTrainer,
  evaluate,
  layerRemarks,
  quantizedInputs,
  quantizeLayerByLayer,
} from "../../training/mod.ts";
import { rejectsUserError } from "../data/rejects_user_error.ts";
import { testDevice } from "../support/device.ts";
import { smallModel, smallSet } from "./small_set.ts";

const TRAIN = smallSet(640, 1);
const TEST = smallSet(500, 2);

const rounded = (bits: 2 | 12) => ({ weight, shape }: CalibratedLayer): QuantizedLayer => {
  const options: WeightGridOptions = { grid: { kind: "affine", bits }, granularity: "channel" };
  const grids = chooseWeightGrids(weight, shape, options);
  return { quantized: roundToGrids(weight, shape, grids) };
};

async function trained(device: Device): Promise<HostParameters> {
  using _scope = device.scope();
  using trainer = createTrainer(device, smallModel, uploadImages(device, TRAIN), {
    optimizer: adam({ learningRate: 0.02 }),
    schedule: { kind: "one_cycle", warmup: 0.3 },
    epochs: 10,
    batchSize: 32,
  }, { seeds: [1] });
  await trainer.train(Infinity);
  return (await readParameters(trainer.parameters))[0];
}

async function lossOf(device: Device, model: Model, values: HostParameters, set: readonly Chunk[]) {
  using _scope = device.scope();
  const { tensors } = uploadParameters(device, model, [values]);
  return (await evaluate(model, tensors, 1, set))[0].loss;
}

const nothing = (x: Tensor) => zeros(x.device, x.shape);

function upload(device: Device, set: ImageSet, rows?: number): Chunk[] {
  return chunksOf(device, uploadImages(device, set), rows);
}

Deno.test("quantizeLayerByLayer() by second order stays nearer to the network than rounding", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const network = await trained(device);
  const [train, test] = [upload(device, TRAIN), upload(device, TEST)];
  const recipe: SecondOrderRecipe = {
    grids: { grid: { kind: "lloydMax", bits: 2 }, granularity: "channel" },
    sweeps: 10,
  };
  const quantizers = [rounded(2), (l: CalibratedLayer) => quantizeBySecondOrder(l, recipe)];
  const losses = [await lossOf(device, smallModel, network, test)];
  for (const quantizer of quantizers) {
    const { parameters } = await quantizeLayerByLayer(
      device,
      smallModel,
      network,
      train,
      quantizer,
    );
    losses.push(await lossOf(device, smallModel, parameters, test));
  }
  const [float32, byRounding, bySecondOrder] = losses;
  assert.ok(bySecondOrder - float32 < 0.5 * (byRounding - float32), `${losses}`);
});

Deno.test("quantizeLayerByLayer() gives codes, and the weights that they stand for", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const network = initialParameters(smallModel, 1);
  const found = await quantizeLayerByLayer(
    device,
    smallModel,
    network,
    upload(device, TRAIN),
    rounded(2),
  );
  for (const layer of ["fc1", "fc2"]) {
    const name = `${layer}.weight`;
    assert.deepEqual(found.parameters[name], dequantizeWeight(found.weights[name]));
    assert.deepEqual(found.parameters[`${layer}.bias`], network[`${layer}.bias`]);
  }
  assert.deepEqual(found.layers.map(({ layer, samples }) => [layer, samples]), [
    ["fc1", TRAIN.count],
    ["fc2", TRAIN.count],
  ]);
});

Deno.test("quantizeLayerByLayer() calibrates a layer on what the quantized ones before it give", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const network = initialParameters(smallModel, 2);
  const train = upload(device, TRAIN, 192); // several chunks, the last one smaller
  const seen = async (inputs: "matched" | "quantized" | "original") => {
    const layers: CalibratedLayer[] = [];
    await quantizeLayerByLayer(device, smallModel, network, train, (layer) => {
      layers.push(layer);
      return rounded(2)(layer);
    }, { inputs });
    return layers.map(({ moments }) => moments);
  };
  const [matched, quantized, original] = [
    await seen("matched"),
    await seen("quantized"),
    await seen("original"),
  ];
  assert.deepEqual(matched.map(({ hessian }) => hessian), quantized.map(({ hessian }) => hessian));
  assert.deepEqual(quantized[0], original[0]);
  assert.notDeepEqual(quantized[1], original[1]);
  assert.deepEqual(matched[1].cross?.mean, original[1].hessian.mean);
  assert.equal(matched[0].cross, undefined); // its inputs are images
  assert.equal(quantized[1].cross, undefined);
});

Deno.test("quantizeLayerByLayer() shows layers what a hook makes of their inputs", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const means: number[] = [];
  const network = initialParameters(smallModel, 2);
  const train = upload(device, TRAIN);
  for (const layerInput of [undefined, (layer: string) => layer === "fc1" ? nothing : undefined]) {
    await quantizeLayerByLayer(device, smallModel, network, train, (layer) => {
      means.push(layer.moments.hessian.mean[0]);
      return rounded(12)(layer);
    }, layerInput && { layerInput: (layer, x) => layerInput(layer)?.(x) ?? x });
  }
  assert.ok(means[0] > 0 && means[2] === 0, `${means}`);
});

Deno.test("quantizeLayerByLayer() calibrates on the first images, as many as asked for", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const network = initialParameters(smallModel, 1);
  const chunks = upload(device, TRAIN, 192);
  const calibrate = (samples: number) =>
    quantizeLayerByLayer(device, smallModel, network, chunks, rounded(2), { samples });
  for (const samples of [100, 192, 400]) {
    assert.equal((await calibrate(samples)).layers[0].samples, samples);
  }
  await rejectsUserError(
    calibrate(641),
    'Cannot calibrate layer "fc1": 641 images were asked for: there are 640',
  );
  await rejectsUserError(calibrate(0), /0 images were asked for/);
});

Deno.test("quantizeLayerByLayer() tells constant inputs, and the layer whose inputs are not finite", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const network = initialParameters(smallModel, 1);
  const images = TRAIN.images.map((byte, i) => i % 16 === 5 ? 77 : byte);
  const chunks = upload(device, { ...TRAIN, images });
  const { layers } = await quantizeLayerByLayer(device, smallModel, network, chunks, rounded(2));
  assert.deepEqual(layers[0].constantInputs, [5]);
  assert.deepEqual(layers.map(({ groups, inputs }) => [groups, inputs])[0], [1, 16]);
  assert.deepEqual(layerRemarks(layers[0]), [
    "fc1: 1 of 16 inputs (5) were the same in all 640 samples: calibration says little of their weights",
  ]);
  const broken = { ...network, "fc1.bias": network["fc1.bias"].with(3, Infinity) };
  await assert.rejects(
    quantizeLayerByLayer(device, smallModel, broken, chunks, rounded(2), { inputs: "original" }),
    /^RangeError: Cannot calibrate layer "fc2": its inputs must be finite: input 3 sums to /,
  );
});

Deno.test("quantizeLayerByLayer() calibrates layers on quantized inputs, their grids found in turn", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const network = await trained(device);
  const [train, test] = [upload(device, TRAIN), upload(device, TEST)];
  const grid = { kind: "affine", bits: 2 } as const;
  const seen: number[] = [];
  const recipe: SecondOrderRecipe = { grids: { grid, granularity: "channel" } };
  const find = (activations?: { grid: typeof grid }) =>
    quantizeLayerByLayer(device, smallModel, network, train, (layer) => {
      seen.push(layer.moments.cross === undefined ? 0 : 1);
      return quantizeBySecondOrder(layer, recipe);
    }, { activations });
  const [blind, found] = [await find(), await find({ grid })];
  assert.deepEqual(seen, [0, 1, 1, 1]); // with quantized images even the first layer has a target
  assert.deepEqual(blind.inputGrids, {});
  assert.deepEqual(Object.keys(found.inputGrids), ["fc1", "fc2"]);
  const layerInput = quantizedInputs(device, [found.inputGrids]);
  const losses: number[] = [];
  for (const { parameters } of [blind, found]) {
    const { tensors } = uploadParameters(device, smallModel, [parameters]);
    losses.push((await evaluate(smallModel, tensors, 1, test, { layerInput }))[0].loss);
  }
  assert.ok(losses[1] < losses[0], `${losses}`);
});

Deno.test("layerRemarks() says what is not as it should be, and nothing else", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const network = initialParameters(smallModel, 1);
  const grids: WeightGridOptions = { grid: { kind: "lloydMax", bits: 2 }, granularity: "channel" };
  const remarksOn = async (
    samples: number,
    percent: number,
    activations?: ActivationGridOptions,
  ) => {
    const recipe: SecondOrderRecipe = { grids, damping: { percent } };
    const quantize = (layer: CalibratedLayer) => quantizeBySecondOrder(layer, recipe);
    const chunks = upload(device, TRAIN);
    const found = await quantizeLayerByLayer(device, smallModel, network, chunks, quantize, {
      samples,
      inputs: "quantized",
      ...activations && { activations },
    });
    return layerRemarks(found.layers[0]);
  };
  assert.deepEqual(await remarksOn(640, 0.01), []);
  const activations = { grid: { kind: "affine", bits: 4 } } as const;
  assert.deepEqual(await remarksOn(256, 0.01, activations), []);
  assert.deepEqual(await remarksOn(100, 0.01, activations), [
    "fc1: ranges of inputs were found on 100 images instead of 256",
  ]);
  const [rank, damped] = await remarksOn(8, 0);
  assert.equal(rank, "fc1: 8 samples for 16 inputs: the Hessian is not of full rank");
  assert.match(damped, /^fc1: the Hessian was not positive definite: damped by .* instead of 0$/);
});

for (
  const [title, model, positions] of [
    ["convolutions", cnn({ inputShape: [1, 8, 8], channels: [3, 4] }), [64, 16, 1]],
    [
      "residual networks, their norms folded",
      resnet({ depth: 8, width: 4, inputShape: [1, 8, 8] }),
      [64, 64, 64, 16, 16, 4, 4, 1],
    ],
  ] as const
) {
  Deno.test(`quantizeLayerByLayer() quantizes ${title}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const count = 96;
    const images = Uint8Array.from({ length: count * 64 }, (_, i) => 128 + 100 * Math.sin(i * i));
    const labels = new Uint8Array(count).map((_, i) => i % 10);
    const set = { images, labels, count, channels: 1, height: 8, width: 8 };
    const chunks = upload(device, set);
    const network = initialParameters(model, 4);
    const before = await lossOf(device, model, network, chunks);
    const found = await quantizeLayerByLayer(device, model, network, chunks, rounded(12));
    const after = await lossOf(device, found.model, found.parameters, chunks);
    assert.ok(Math.abs(after - before) < 0.01 * before, `${before} became ${after}`);
    assert.deepEqual(
      found.layers.map(({ samples }) => samples),
      positions.map((n) => n * count),
    );
  });
}
