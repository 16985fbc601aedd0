import assert from "node:assert/strict";
import { chunksOf, uploadImages } from "../../data/mod.ts";
import { type Device, read } from "../../gpu/mod.ts";
import {
  cnn,
  fcNN,
  foldBatchNorms,
  type HostParameters,
  initialParameters,
  type Model,
  parameterShape,
  resnet,
  uploadParameters,
} from "../../models/mod.ts";
import { equalizeNetwork, smoothNetwork } from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";

const MODELS = [
  fcNN({ inputShape: [1, 8, 8], hidden: [9, 5] }),
  cnn({ inputShape: [1, 8, 8], channels: [3, 4], hidden: [6] }),
  resnet({ depth: 8, width: 4, inputShape: [1, 8, 8] }),
];

const COUNT = 128;
const SET = {
  images: Uint8Array.from({ length: COUNT * 64 }, (_, i) => 128 + 100 * Math.sin(i * i)),
  labels: new Uint8Array(COUNT),
  count: COUNT,
  channels: 1,
  height: 8,
  width: 8,
};

/** A network whose ranges differ from channel to channel, its norms folded. */
function unevenNetwork(trained: Model): { model: Model; parameters: HostParameters } {
  const { model, parameters } = foldBatchNorms(trained, initialParameters(trained, 3));
  const uneven = model.parameters.map(({ name, shape: [outputs] }) => {
    const inputs = parameters[name].length / outputs;
    const factor = (i: number) => 1 + Math.floor(i / inputs) % 7;
    const isBias = name.endsWith(".bias");
    return [name, parameters[name].map((w, i) => isBias ? 0.1 * i : w * factor(i))];
  });
  return { model, parameters: Object.fromEntries(uneven) };
}

/** Logits, and the largest magnitude of each channel that goes into a layer. */
async function compute(device: Device, model: Model, values: HostParameters, layer: string) {
  using _scope = device.scope();
  const [chunk] = chunksOf(device, uploadImages(device, SET));
  const { tensors } = uploadParameters(device, model, [values]);
  let maxima = Promise.resolve<number[]>([]);
  const logits = model.forward(tensors, chunk, {
    layerInput(name, x) {
      if (name === layer) {
        const size = x.size / COUNT / x.shape[2];
        maxima = read(x).then((all) => {
          const most = new Array<number>(x.shape[2]).fill(0);
          all.forEach((value, i) => {
            const c = Math.floor(i / size) % most.length;
            most[c] = Math.max(most[c], Math.abs(value));
          });
          return most;
        });
      }
      return x;
    },
  });
  return { logits: await read(logits), maxima: await maxima };
}

function spread(values: readonly number[]): number {
  const alive = values.filter((value) => value > 0);
  return Math.max(...alive) / Math.min(...alive);
}

function rowMaxima(weight: Float32Array, rows: number): number[] {
  const inputs = weight.length / rows;
  return Array.from(
    { length: rows },
    (_, o) => Math.max(...weight.subarray(o * inputs, (o + 1) * inputs).map(Math.abs)),
  );
}

function assertSame(found: ArrayLike<number>, wanted: ArrayLike<number>): void {
  const size = Math.max(...Array.from(wanted, Math.abs));
  Array.from(found).forEach((y, i) =>
    assert.ok(Math.abs(y - wanted[i]) < 1e-4 * size, `${y}, ${wanted[i]}`)
  );
}

for (const trained of MODELS) {
  Deno.test(`equalizeNetwork() of ${trained.kind} changes ranges and nothing it computes`, async () => {
    const device = await testDevice();
    const { model, parameters } = unevenNetwork(trained);
    const equalized = equalizeNetwork(model, parameters);
    const [[before, after]] = model.homogeneousPairs!;
    const was = await compute(device, model, parameters, after);
    assertSame((await compute(device, model, equalized, after)).logits, was.logits);
    const name = `${before}.weight`;
    const rows = parameterShape(model, name)[0];
    assert.ok(spread(rowMaxima(equalized[name], rows)) < spread(rowMaxima(parameters[name], rows)));
  });

  Deno.test(`smoothNetwork() of ${trained.kind} evens out activations and changes nothing it computes`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const { model, parameters } = unevenNetwork(trained);
    const [[, after]] = model.homogeneousPairs!;
    const chunks = chunksOf(device, uploadImages(device, SET), 64);
    const smoothed = await smoothNetwork(device, model, parameters, chunks, 1);
    const was = await compute(device, model, parameters, after);
    const is = await compute(device, model, smoothed, after);
    assertSame(is.logits, was.logits);
    assert.ok(spread(was.maxima) > 1.5, `${was.maxima}`);
    assert.ok(spread(is.maxima) < 1.001, `alpha 1 makes all channels alike: ${is.maxima}`);
  });
}

Deno.test("networks with batch norms are not rescaled", async () => {
  const [, , model] = MODELS;
  const parameters = initialParameters(model, 1);
  const words = /its batch norms must be folded first$/;
  assert.throws(() => equalizeNetwork(model, parameters), words);
  const device = await testDevice();
  await assert.rejects(smoothNetwork(device, model, parameters, []), words);
});

Deno.test("smoothNetwork() names the layer whose input is not finite", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const [model] = MODELS;
  const parameters = initialParameters(model, 1);
  parameters["fc1.bias"][2] = Infinity;
  await assert.rejects(
    smoothNetwork(device, model, parameters, chunksOf(device, uploadImages(device, SET))),
    new RangeError(
      'Cannot find the ranges of 9 input channels of "fc2": every value must be finite: ' +
        "channel 2 holds Infinity",
    ),
  );
});
