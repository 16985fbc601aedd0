import assert from "node:assert/strict";
import { chunksOf, firstImages, uploadImages } from "../../data/mod.ts";
import { decodeBatches } from "../../data/cifar10_batches.ts";
import { gunzip } from "../../formats/mod.ts";
import { read } from "../../gpu/mod.ts";
import { foldBatchNorms, resnet, uploadParameters } from "../../models/mod.ts";
import { decodeNetwork, evaluate } from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";
import { relativeError } from "../support/relative_error.ts";
import { cifar10Folder, resnetFolder } from "../support/shared_data.ts";
import { torchFixture } from "../support/torch_fixture.ts";

const fixture = torchFixture("pretrained");
const IMAGES = 200;
const isThere = cifar10Folder !== undefined && resnetFolder !== undefined;

/** The first images of the test set. */
async function testImages() {
  const name = `${cifar10Folder}/test_batch.bin.gz`;
  const bytes = await gunzip(await Deno.readFile(name), name);
  return firstImages(decodeBatches([{ name, bytes }], 10), IMAGES);
}

/** The published network, as it is and with its norms folded. */
async function networks(depth: number) {
  const path = `${resnetFolder}/resnet${depth}.safetensors`;
  const model = resnet({ depth });
  const { parameters } = decodeNetwork(model, await Deno.readFile(path), path);
  return [{ model, parameters }, foldBatchNorms(model, parameters)];
}

const skipped = isThere ? "" : " (skipped: BITCLIFF_DATA lacks it)";

Deno.test({
  name:
    `evaluate() of the published ResNet-20 gets as many of ${IMAGES} images right as PyTorch, ` +
    `also with its norms folded${skipped}`,
  ignore: !isThere,
  async fn() {
    const device = await testDevice();
    using _scope = device.scope();
    const [right] = fixture.get("resnet20.right").data as Int32Array;
    const images = await testImages();
    for (const { model, parameters } of await networks(20)) {
      const { tensors } = uploadParameters(device, model, [parameters]);
      const chunks = chunksOf(device, uploadImages(device, images, model.normalization));
      const [{ correct, count }] = await evaluate(model, tensors, 1, chunks);
      assert.deepEqual([correct, count], [right, IMAGES], model.title);
    }
  },
});

for (const depth of [20, 32, 56]) {
  Deno.test({
    name:
      `the published ResNet-${depth} has PyTorch's logits, also with its norms folded${skipped}`,
    ignore: !isThere,
    async fn() {
      const device = await testDevice();
      using _scope = device.scope();
      const images = firstImages(await testImages(), 16);
      for (const { model, parameters } of await networks(depth)) {
        const { tensors } = uploadParameters(device, model, [parameters]);
        const [chunk] = chunksOf(device, uploadImages(device, images, model.normalization));
        const logits = await read(model.forward(tensors, chunk));
        const error = relativeError(logits, fixture.floats(`resnet${depth}.logits`));
        assert.ok(error < 1e-4, `${model.title}: relative error ${error}`);
      }
    },
  });
}
