import assert from "node:assert/strict";
import { dequantizeWeight, reconstructionPlan } from "../../compression/mod.ts";
import { chunksOf, uploadImages } from "../../data/mod.ts";
import { type Device, read } from "../../gpu/mod.ts";
import {
  type HostParameters,
  initialParameters,
  resnet,
  uploadParameters,
} from "../../models/mod.ts";
import { reconstruct } from "../../training/mod.ts";
import { blocksOf } from "../../training/reconstruction_blocks.ts";
import { testDevice } from "../support/device.ts";
import { smallSet } from "./small_set.ts";

const model = resnet({ depth: 8, width: 4, inputShape: [1, 4, 4], classes: 4, folded: true });
/** So few steps need a gentler penalty, or it is over before roundings have moved. */
const short = { penalty: { weight: 40 } };
async function logitsOf(device: Device, parameters: HostParameters): Promise<Float32Array> {
  using _scope = device.scope();
  const { tensors } = uploadParameters(device, model, [parameters]);
  const [chunk] = chunksOf(device, uploadImages(device, smallSet(256, 2)));
  return await read(model.forward(tensors, chunk)) as Float32Array;
}

Deno.test("reconstruct() of a residual network keeps its logits closer than rounding to nearest, as a whole and block by block", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const parameters = initialParameters(model, 5);
  const wanted = await logitsOf(device, parameters);
  const images = uploadImages(device, smallSet(128, 3));
  const variant = {
    parameters,
    weights: { grid: { kind: "affine", bits: 2 }, granularity: "channel" },
    seed: 1,
  } as const;
  const errorOf = async (steps: number, rates: object, blocks?: "residual") => {
    const plan = {
      ...reconstructionPlan({ steps, ...short, ...rates }),
      batchSize: 32,
      blocks,
    };
    const [made] = await reconstruct(device, model, [variant], images, plan);
    const weights = Object.entries(made.weights).map((
      [name, one],
    ) => [name, dequantizeWeight(one)]);
    const found = await logitsOf(device, { ...parameters, ...Object.fromEntries(weights) });
    return found.reduce((sum, logit, i) => sum + (logit - wanted[i]) ** 2, 0);
  };
  const nearest = await errorOf(1, { roundingRate: 1e-9, scaleRate: 0 });
  const whole = await errorOf(200, {});
  const inBlocks = await errorOf(100, {}, "residual");
  assert.ok(whole < 0.7 * nearest, `as a whole ${whole} against ${nearest}`);
  assert.ok(inBlocks < 0.6 * nearest, `block by block ${inBlocks} against ${nearest}`);
});

Deno.test("blocksOf() joins what is within a shortcut, and leaves all other layers to themselves", () => {
  const alone = (layer: string) => ({ layers: [layer], output: layer });
  const found = blocksOf(model, { blocks: "residual" });
  assert.deepEqual(found, [
    alone("conv1"),
    ...[1, 2, 3].map((stage) => {
      const layers = [`layer${stage}.0.conv1`, `layer${stage}.0.conv2`];
      return { layers, output: layers[1] };
    }),
    alone("linear"),
  ]);
  assert.deepEqual(blocksOf(model, { blocks: "layers" }), model.layers.map(alone));
  assert.deepEqual(blocksOf(model, {}), [{ layers: model.layers }]);
});
