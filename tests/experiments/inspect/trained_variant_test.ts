import assert from "node:assert/strict";
import { chunksOf, uploadImages } from "../../../data/mod.ts";
import { compareNetworks } from "../../../experiments/inspect/compare_networks.ts";
import { trainedVariant } from "../../../experiments/inspect/trained_variant.ts";
import { plainVariant } from "../../../experiments/inspect/variant.ts";
import {
  fcNN,
  initialParameters,
  type Model,
  resnet,
  uploadParameters,
} from "../../../models/mod.ts";
import {
  evaluate,
  initialQuantizationAware,
  quantizationAware,
  type QuantizationAwareSpec,
} from "../../../training/mod.ts";
import { testDevice } from "../../support/device.ts";
import { smallSet } from "../../training/small_set.ts";

const SET = smallSet(64);
const spec: QuantizationAwareSpec = {
  weights: { kind: "learnedStep", bits: 3, granularity: "channel" },
  inputs: { kind: "learnedStep", bits: 2, offset: true },
  image: { bits: 3 },
};
const models: readonly Model[] = [
  fcNN({ inputShape: [1, 4, 4], hidden: [8], classes: 4 }),
  resnet({ depth: 8, inputShape: [1, 4, 4], classes: 4 }),
];

for (const model of models) {
  Deno.test(`trainedVariant() computes what the trained network does: ${model.title}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const chunks = chunksOf(device, uploadImages(device, SET));
    const float = initialParameters(model, 4);
    const start = await initialQuantizationAware(device, model, spec, float, chunks);
    const trained = start.parameters;
    const aware = quantizationAware(model, spec);
    const { tensors } = uploadParameters(device, aware, [trained]);
    const [expected] = await evaluate(aware, tensors, 1, chunks);

    const folded = model.batchNorms?.folded() ?? model;
    const variant = await trainedVariant(device, model, spec, trained);
    const plain = plainVariant(variant.parameters);
    const { a, b, first, tensors: compared } = await compareNetworks(
      device,
      folded,
      plain,
      variant,
      chunks,
    );
    assert.equal(b.correct, expected.correct);
    assert.ok(Math.abs(b.loss - expected.loss) < 1e-4, `${b.loss} for ${expected.loss}`);
    assert.notEqual(a.loss, b.loss, "its inputs are quantized");
    assert.deepEqual(first, { layer: model.layers[0], part: "input" });
    const inputs = compared.filter(({ part }) => part === "input");
    assert.ok(inputs.every(({ clipped }) => clipped !== undefined));
    assert.ok(inputs.some(({ clipped }) => clipped! > 0));
    for (const layer of model.layers) {
      const weight = variant.parameters[`${layer}.weight`];
      const { shape } = folded.parameters.find(({ name }) => name === `${layer}.weight`)!;
      const inner = weight.length / shape[0];
      for (let from = 0; from < weight.length; from += inner) {
        assert.ok(new Set(weight.subarray(from, from + inner)).size <= 8, layer);
      }
    }
  });
}
