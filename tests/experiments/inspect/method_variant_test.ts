import assert from "node:assert/strict";
import { dequantizeWeight } from "../../../compression/mod.ts";
import { chunksOf, type ImageSet, uploadImages } from "../../../data/mod.ts";
import { calibrate } from "../../../training/mod.ts";
import {
  type CalibratedQuantization,
  type MethodQuantization,
  quantizeByMethod,
  quantizeHalfQuadratically,
  type ReconstructionQuantization,
} from "../../../experiments/inspect/method_variant.ts";
import { compareNetworks } from "../../../experiments/inspect/compare_networks.ts";
import { plainVariant, quantizeNetwork } from "../../../experiments/inspect/variant.ts";
import { cnn, fcNN, initialParameters, uploadParameters } from "../../../models/mod.ts";
import { testDevice } from "../../support/device.ts";
import { smallSet } from "../../training/small_set.ts";

const model = fcNN({ inputShape: [1, 4, 4], hidden: [8], classes: 4 });
const parameters = initialParameters(model, 4);
const SET = smallSet(96);
const weights = {
  grid: { kind: "affine", bits: 3 },
  granularity: "channel",
  observer: { kind: "meanSquaredError" },
} as const;

Deno.test("quantizeByMethod() gives weights on grids whose output is nearer than that of rounding", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const images = uploadImages(device, SET);
  const plain = plainVariant(parameters);
  const outputOf = async (variant: typeof plain) => {
    const { tensors } = await compareNetworks(
      device,
      model,
      plain,
      variant,
      chunksOf(device, images),
    );
    return tensors.find(({ layer, part }) => layer === "fc1" && part === "output")!.signalToNoise;
  };
  const options = { weights, rounding: "nearestEven" } as const;
  const rounded = await outputOf(quantizeNetwork(model, parameters, options, {}));
  for (const method of ["gptq", "obq", "ada_round", "second_order"] as const) {
    const asked: CalibratedQuantization = { method, weights };
    const { variant, remarks } = await quantizeByMethod(
      device,
      model,
      parameters,
      asked,
      images,
      {},
    );
    assert.deepEqual(Object.keys(variant.weights), model.layers);
    for (const layer of model.layers) {
      const found = variant.parameters[`${layer}.weight`];
      assert.deepEqual(found, dequantizeWeight(variant.weights[layer]));
    }
    assert.deepEqual(remarks, []);
    assert.deepEqual(variant.inputs, {});
    assert.ok(await outputOf(variant) > rounded + 1, `${method} against ${rounded} dB`);
  }
  const inGroups = (group: number) =>
    quantizeHalfQuadratically(
      model,
      parameters,
      { method: "hqq", bits: 3, granularity: { group } },
      {},
    );
  assert.equal(inGroups(4).weights.fc1.grids.length, 8 * 16 / 4);
  assert.throws(
    () => inGroups(5),
    /^RangeError: Cannot quantize "fc1.weight" of shape .*: a group must divide a row of 16$/,
  );
});

Deno.test("quantizeByMethod() says which channels a reconstruction of weights never saw change", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const still = structuredClone(parameters);
  still["fc1.bias"][2] = -1e6; // a hidden unit that is never above 0
  const asked = { method: "reconstruction", weights, steps: 1 } as const;
  const images = uploadImages(device, SET);
  const { remarks } = await quantizeByMethod(device, model, still, asked, images, {});
  assert.match(
    remarks.join("; "),
    /^"fc2": \d of 8 channels never changed in 96 samples: channel /,
  );
});

Deno.test("quantizeByMethod() reconstructs the network, or one layer after the other, with its inputs", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const images = uploadImages(device, SET);
  const chunks = chunksOf(device, images);
  const plain = plainVariant(parameters);
  const errorOf = async (options: Partial<ReconstructionQuantization>) => {
    const asked = { method: "reconstruction", weights, activationBits: 4, ...options } as const;
    const found = await quantizeByMethod(device, model, parameters, asked, images, {});
    const { variant } = found;
    assert.deepEqual(found.remarks, [
      `all layers of ${model.title}: ranges of inputs were found on 96 images instead of 256`,
    ]);
    assert.deepEqual(Object.keys(variant.inputs), model.layers);
    for (const layer of model.layers) {
      const values = variant.parameters[`${layer}.weight`];
      assert.deepEqual(values, dequantizeWeight(variant.weights[layer]));
    }
    const { tensors } = await compareNetworks(device, model, plain, variant, chunks);
    return tensors.find(({ layer, part }) => layer === "fc2" && part === "output")!.signalToNoise;
  };
  const begun = await errorOf({ steps: 1 });
  for (const blocks of ["network", "layer"] as const) {
    const found = await errorOf({ steps: 1000, blocks });
    assert.ok(found > begun + 1, `${blocks}: ${found} against ${begun} dB`);
  }
  const gptq = { method: "gptq", weights } as const;
  // @ts-expect-error GPTQ without calibration images does not type-check
  const blind = quantizeByMethod(device, model, parameters, gptq, undefined, {});
  await assert.rejects(blind, TypeError);
  // @ts-expect-error nor do steps of what does not learn
  const _idle: MethodQuantization = { method: "gptq", weights, steps: 5 };
  // @ts-expect-error nor more bits than HQQ has
  const _wide: MethodQuantization = { method: "hqq", bits: 12, granularity: "channel" };
});

Deno.test("quantizeByMethod() by OBQ refuses a layer of long rows before it calibrates any", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const images = uploadImages(device, SET);
  const wide = fcNN({ inputShape: [1, 4, 4], hidden: [1025], classes: 4 });
  const asked: CalibratedQuantization = { method: "obq", weights };
  await assert.rejects(
    quantizeByMethod(device, wide, initialParameters(wide, 1), asked, images, {}),
    new RangeError(
      `Cannot quantize ${wide.title}: an output must have at most 1024 weights for OBQ: one of ` +
        "fc2.weight has 1025",
    ),
  );
});

Deno.test("quantizeByMethod() calibrates on inputs as they are quantized, and keeps their grids", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const images = uploadImages(device, SET);
  const { tensors } = uploadParameters(device, model, [parameters]);
  const { ranges } = await calibrate(device, model, tensors, chunksOf(device, images));
  const build = (activationBits?: 1) =>
    quantizeByMethod(
      device,
      model,
      parameters,
      { method: "gptq", weights, ...activationBits && { activationBits } },
      images,
      ranges,
    );
  const [float, quantized] = [(await build()).variant, (await build(1)).variant];
  assert.deepEqual(Object.keys(quantized.inputs), model.layers);
  assert.equal(quantized.inputs.fc2.qMax, 1);
  assert.notDeepEqual(quantized.weights.fc1.codes, float.weights.fc1.codes);
});

Deno.test("quantizeByMethod() remarks on inputs that never change and on few samples", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const images = Uint8Array.from(SET.images, (value, i) => i % 16 < 2 ? 7 : value);
  const dull: ImageSet = { ...SET, images };
  const remarksOn = async (set: ImageSet) => {
    const images = uploadImages(device, set);
    const asked: MethodQuantization = { method: "second_order", weights };
    return (await quantizeByMethod(device, model, parameters, asked, images, {})).remarks;
  };
  const all = await remarksOn(dull);
  assert.deepEqual(all.filter((remark) => remark.startsWith("fc1")), [
    "fc1: 2 of 16 inputs (0, 1) were the same in all 96 samples: calibration says little of their weights",
  ]);
  const few = await remarksOn({ ...SET, images: SET.images.subarray(0, 160), count: 10 });
  assert.ok(
    few.includes("fc1: 10 samples for 16 inputs: the Hessian is not of full rank"),
    `${few}`,
  );
});

Deno.test("quantizeByMethod() quantizes convolutions", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const small = cnn({ inputShape: [1, 4, 4], channels: [4], classes: 4 });
  const trained = initialParameters(small, 2);
  const images = uploadImages(device, SET);
  const asked: MethodQuantization = { method: "gptq", weights };
  const { variant } = await quantizeByMethod(device, small, trained, asked, images, {});
  assert.deepEqual(Object.keys(variant.weights), small.layers);
});
