import assert from "node:assert/strict";
import {
  type CalibratedLayer,
  chooseWeightGrids,
  quantizeBySecondOrder,
  roundToGrids,
  secondOrderRecipe,
} from "../../compression/mod.ts";
import { chunksOf, type ImageSet, loadDataset, uploadImages } from "../../data/mod.ts";
import { fcNN, type HostParameters, readParameters, uploadParameters } from "../../models/mod.ts";
import {
  adam,
  createTrainer,
  evaluate,
  type QuantizeLayer,
  quantizeLayerByLayer,
} from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";

/** The first images of a set. */
function firstOf(set: ImageSet, count: number): ImageSet {
  const pixels = set.channels * set.height * set.width;
  const images = set.images.subarray(0, count * pixels);
  return { ...set, images, labels: set.labels.subarray(0, count), count };
}

const RECIPE = secondOrderRecipe(1);

Deno.test("quantizeBySecondOrder() to 1 bit keeps most of what a small network knows of MNIST", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const model = fcNN({ hidden: [24] });
  const mnist = await loadDataset("mnist");
  const train = uploadImages(device, firstOf(mnist.train, 6400));
  const test = chunksOf(device, uploadImages(device, firstOf(mnist.test, 2048)));
  using trainer = createTrainer(device, model, train, {
    optimizer: adam({ learningRate: 0.01 }),
    schedule: { kind: "one_cycle", warmup: 0.3 },
    epochs: 4,
    batchSize: 64,
  }, { seeds: [1] });
  await trainer.train(Infinity);
  const [network] = await readParameters(trainer.parameters);
  const accuracyOf = async (values: HostParameters): Promise<number> => {
    const { tensors } = uploadParameters(device, model, [values]);
    return (await evaluate(model, tensors, 1, test))[0].accuracy;
  };
  const rounded = ({ weight, shape }: CalibratedLayer) => {
    const grids = chooseWeightGrids(weight, shape, RECIPE.grids);
    return { quantized: roundToGrids(weight, shape, grids) };
  };
  const quantizedBy = async (quantizeLayer: QuantizeLayer): Promise<number> => {
    const chunks = chunksOf(device, train);
    const found = await quantizeLayerByLayer(device, model, network, chunks, quantizeLayer, {
      samples: 2048,
    });
    return await accuracyOf(found.parameters);
  };
  const float32 = await accuracyOf(network);
  const byRounding = await quantizedBy(rounded);
  const bySecondOrder = await quantizedBy((layer) => quantizeBySecondOrder(layer, RECIPE));
  const words = `${float32}, by rounding ${byRounding}, by second order ${bySecondOrder}`;
  assert.ok(float32 > 0.88 && float32 - bySecondOrder < 0.1, words);
  assert.ok(bySecondOrder > byRounding + 0.1, words);
});
