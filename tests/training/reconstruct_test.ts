import assert from "node:assert/strict";
import { fakeQuantize, uploadGrids } from "../../autograd/mod.ts";
import {
  dequantizeWeight,
  reconstructionPlan,
  type WeightGridOptions,
} from "../../compression/mod.ts";
import { chunksOf, uploadImages } from "../../data/mod.ts";
import type { Device, Tensor } from "../../gpu/mod.ts";
import {
  type ForwardHooks,
  type HostParameters,
  readParameters,
  resnet,
  uploadParameters,
} from "../../models/mod.ts";
import {
  type ActivationGridOptions,
  adam,
  createTrainer,
  evaluate,
  type NetworkReconstruction,
  type NetworkReconstructionPlan,
  reconstruct,
  type ReconstructedVariant,
} from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";
import { smallModel, smallSet } from "./small_set.ts";

const BITS = 2;
const weights: WeightGridOptions = {
  grid: { kind: "affine", bits: BITS },
  granularity: "channel",
  observer: { kind: "meanSquaredError" },
};
const activations: ActivationGridOptions = { grid: { kind: "affine", bits: BITS } };
/** So few steps need a gentler penalty, or it is over before roundings have moved. */
const short = { penalty: { weight: 40 } };
const plan = { ...reconstructionPlan({ steps: 400, ...short }), batchSize: 32 };

/** A network that knows the small set, trained once for all tests. */
let trained: Promise<HostParameters> | undefined;

function trainedNetwork(device: Device): Promise<HostParameters> {
  return trained ??= (async () => {
    using _scope = device.scope();
    using trainer = createTrainer(device, smallModel, uploadImages(device, smallSet(512)), {
      optimizer: adam({ learningRate: 0.01 }),
      schedule: { kind: "constant" },
      epochs: 12,
      batchSize: 32,
    }, { seeds: [1] });
    await trainer.train(trainer.totalSteps);
    return (await readParameters(trainer.parameters))[0];
  })();
}

function rounded(parameters: HostParameters, made: NetworkReconstruction): HostParameters {
  const entries = Object.entries(made.weights);
  return {
    ...parameters,
    ...Object.fromEntries(entries.map(([name, weight]) => [name, dequantizeWeight(weight)])),
  };
}

function inputGrids(device: Device, made: readonly NetworkReconstruction[]): ForwardHooks {
  return {
    layerInput(layer: string, x: Tensor): Tensor {
      const grids = made.map(({ activations }) => activations[layer]);
      return fakeQuantize(x, uploadGrids(device, grids, x.size / x.shape[0]));
    },
  };
}

async function lossOf(device: Device, parameters: HostParameters, hooks?: ForwardHooks) {
  using _scope = device.scope();
  const { tensors } = uploadParameters(device, smallModel, [parameters]);
  const chunks = chunksOf(device, uploadImages(device, smallSet(512, 2)));
  return (await evaluate(smallModel, tensors, 1, chunks, hooks))[0];
}

/** One step of a rate near 0: rounding to nearest, on the grids that learning starts from. */
const nearest = { ...plan, ...reconstructionPlan({ steps: 1, roundingRate: 1e-9, scaleRate: 0 }) };

Deno.test("reconstruct() of weights at 2 bits beats rounding to nearest on images that it did not see", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const parameters = await trainedNetwork(device);
  const images = uploadImages(device, smallSet(256, 3));
  const variant = { parameters, weights, seed: 1 };
  const lossWith = async (given: typeof plan) => {
    const [made] = await reconstruct(device, smallModel, [variant], images, given);
    assert.deepEqual(made.activations, {});
    return (await lossOf(device, rounded(parameters, made))).loss;
  };
  const [float, learned, before] = [
    (await lossOf(device, parameters)).loss,
    await lossWith(plan),
    await lossWith(nearest),
  ];
  assert.ok(learned - float < 0.5 * (before - float), `${float}, ${learned} against ${before}`);
});

Deno.test("reconstruct() of weights and activations at 2 bits beats rounding to nearest, with QDrop too", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const parameters = await trainedNetwork(device);
  const images = uploadImages(device, smallSet(256, 3));
  const variant: ReconstructedVariant = { parameters, weights, activations, seed: 1 };
  const lossWith = async (given: typeof plan) => {
    const made = await reconstruct(device, smallModel, [variant], images, given);
    assert.deepEqual(Object.keys(made[0].activations), ["fc1", "fc2"]);
    const hooks = inputGrids(device, made);
    return (await lossOf(device, rounded(parameters, made[0]), hooks)).loss;
  };
  const before = await lossWith(nearest);
  for (const dropRate of [0, 0.5]) {
    const learned = await lossWith({ ...plan, dropRate });
    assert.ok(learned < 0.7 * before, `drop rate ${dropRate}: ${learned} against ${before}`);
  }
});

Deno.test("reconstruct() gives a population what each of its networks gets alone, again and again", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const parameters = await trainedNetwork(device);
  const images = uploadImages(device, smallSet(64, 3));
  const short: NetworkReconstructionPlan = { ...plan, ...reconstructionPlan({ steps: 30 }) };
  const weighed: NetworkReconstructionPlan = { ...short, blocks: "layers", weighting: "fisher" };
  const variants = [2, 4].map((bits, seed): ReconstructedVariant => ({
    parameters,
    weights: { ...weights, grid: { kind: "affine", bits } } as WeightGridOptions,
    activations: { grid: { kind: "affine", bits: bits as 2 | 4 } },
    seed,
  }));
  for (const given of [short, weighed]) {
    const together = await reconstruct(device, smallModel, variants, images, given);
    assert.deepEqual(await reconstruct(device, smallModel, variants, images, given), together);
    for (const [p, variant] of variants.entries()) {
      const [alone] = await reconstruct(device, smallModel, [variant], images, given);
      const codes = Object.values(alone.weights).map((weight) => [...weight.codes]);
      const same = Object.values(together[p].weights).map((weight) => [...weight.codes]);
      assert.deepEqual(same, codes);
    }
  }
});

Deno.test("reconstruct() takes a network block by block, each after those before it", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const parameters = await trainedNetwork(device);
  const images = uploadImages(device, smallSet(256, 3));
  const variant: ReconstructedVariant = {
    parameters,
    weights,
    exceptions: { fc2: { ...weights, grid: { kind: "affine", bits: 8 } } as WeightGridOptions },
    activations: { grid: { kind: "affine", bits: 4 } },
    seed: 1,
  };
  const blocks = [{ layers: ["fc1"], output: "fc1" }, { layers: ["fc2"] }];
  const made = await reconstruct(device, smallModel, [variant], images, { ...plan, blocks });
  assert.deepEqual(Object.keys(made[0].weights), ["fc1.weight", "fc2.weight"]);
  assert.equal(made[0].losses.length, 2);
  const byLayers = { ...plan, blocks: "layers" } as const;
  assert.deepEqual(await reconstruct(device, smallModel, [variant], images, byLayers), made);
  const [first, second] = Object.values(made[0].weights).map(({ grids: [grid] }) => grid);
  assert.equal(first.kind === "affine" && first.qMax, 3);
  assert.equal(second.kind === "affine" && second.qMax, 255);
  const before = await reconstruct(device, smallModel, [variant], images, { ...nearest, blocks });
  const losses = await Promise.all(
    [made, before].map(async (of) =>
      (await lossOf(device, rounded(parameters, of[0]), inputGrids(device, of))).loss
    ),
  );
  assert.ok(losses[0] < 0.8 * losses[1], `${losses[0]} against ${losses[1]}`);
});

Deno.test("reconstruct() by layers beats rounding to nearest with errors weighed by Fisher information too", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const parameters = await trainedNetwork(device);
  const images = uploadImages(device, smallSet(256, 3));
  const variant = { parameters, weights, seed: 1 };
  const byLayers: NetworkReconstructionPlan = { ...plan, blocks: "layers" };
  const made = async (given: NetworkReconstructionPlan) =>
    (await reconstruct(device, smallModel, [variant], images, given))[0];
  const lossWith = async (one: NetworkReconstruction) =>
    (await lossOf(device, rounded(parameters, one))).loss;
  const [weighed, alike] = [
    await made({ ...byLayers, weighting: "fisher" }),
    await made(byLayers),
  ];
  assert.notDeepEqual(weighed.losses, alike.losses);
  const float = (await lossOf(device, parameters)).loss;
  const before = await lossWith(await made(nearest));
  const after = await lossWith(weighed);
  assert.ok(after - float < 0.6 * (before - float), `${float}, ${after} against ${before}`);
});

Deno.test("reconstruct() refuses what cannot be reconstructed", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const parameters = await trainedNetwork(device);
  const images = uploadImages(device, smallSet(64, 3));
  const variant: ReconstructedVariant = { parameters, weights, seed: 1 };
  const run = (variants: ReconstructedVariant[], change: Partial<NetworkReconstructionPlan> = {}) =>
    reconstruct(device, smallModel, variants, images, { ...plan, ...change });
  await assert.rejects(run([]), {
    name: "RangeError",
    message: "Cannot reconstruct: all variants must quantize activations, or none: 0 of 0 do",
  });
  await assert.rejects(run([variant, { ...variant, activations }]), {
    name: "RangeError",
    message: "Cannot reconstruct: all variants must quantize activations, or none: 1 of 2 do",
  });
  const shifted = { grid: { kind: "powersOfTwo", bits: 4 }, granularity: "channel" } as const;
  await assert.rejects(run([{ ...variant, weights: shifted }], { scaleRate: 1e-3 }), {
    name: "RangeError",
    message:
      `Cannot reconstruct ${smallModel.title}: the scale rate must be 0, as a power of two ` +
      "cannot learn: 0.001",
  });
  await assert.rejects(run([variant], { batchSize: 65 }), {
    name: "RangeError",
    message: "Cannot reconstruct with batches of 65: it must be a whole number from 1 to the 64 " +
      "calibration images",
  });
  const blocks = [{ layers: ["fc1", "fc9"] }];
  await assert.rejects(reconstruct(device, smallModel, [variant], images, { ...plan, blocks }), {
    name: "RangeError",
    message: /^Cannot reconstruct FC_NN 16-8-4: a block names a layer that it does not have: fc9$/,
  });
  await assert.rejects(run([variant], { blocks: "residual" }), {
    name: "RangeError",
    message: /^Cannot reconstruct FC_NN 16-8-4 by residual blocks: it has none; /,
  });
  await assert.rejects(reconstruct(device, resnet(), [variant], images, plan), {
    name: "TypeError",
    message: "Cannot reconstruct ResNet-20: its batch norms must be folded first",
  });
});
