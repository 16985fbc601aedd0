import assert from "node:assert/strict";
import { cnn, fcNN, type Model } from "../../models/mod.ts";
import { quantizationAware, type QuantizationAwareSpec } from "../../training/mod.ts";

const SPEC: QuantizationAwareSpec = {
  weights: { kind: "learnedStep", bits: 4, granularity: "channel" },
  inputs: { kind: "learnedStep", bits: 4 },
};

/** The levels that inputs begin with in a training from nothing, layer by layer. */
function limitsOf(model: Model): unknown[] {
  const { parameters } = quantizationAware(model, SPEC);
  return model.layers.map((layer) =>
    parameters.find(({ name }) => name === `${layer}.input.limits`)?.initial
  );
}

Deno.test("quantizationAware() of nothing known has levels below 0 where no ReLU is before, and only there", () => {
  const shape = { inputShape: [1, 12, 12], channels: [2, 3], hidden: [4], classes: 2 } as const;
  const unsigned = [0, 15];
  // pixels have a grid of their own
  const rectified = limitsOf(cnn({ ...shape, rectified: true }));
  assert.deepEqual(rectified, [undefined, unsigned, unsigned, unsigned]);
  const linear = limitsOf(cnn({ ...shape, rectified: false }));
  assert.deepEqual(linear, [undefined, [-8, 7], [-8, 7], unsigned]);
  assert.deepEqual(limitsOf(fcNN()), [undefined, unsigned, unsigned]);
});
