import assert from "node:assert/strict";
import { chunksOf, uploadImages } from "../../../data/mod.ts";
import { quantizeByLayers } from "../../../experiments/execute/by_layers.ts";
import { type HostParameters, initialParameters } from "../../../models/mod.ts";
import { testDevice } from "../../support/device.ts";
import { SET, smallModel } from "../../training/small_set.ts";

/** Mean outputs of both layers of the small network, before ReLU, over the whole set. */
function meanOutputs(parameters: HostParameters): number[][] {
  let rows = Array.from(
    { length: SET.count },
    (_, row) => Array.from(SET.images.subarray(16 * row, 16 * row + 16), (pixel) => pixel / 255),
  );
  return smallModel.layers.map((layer) => {
    const [weight, bias] = [parameters[`${layer}.weight`], parameters[`${layer}.bias`]];
    const outputs = rows.map((x) =>
      Array.from(
        bias,
        (b, i) => x.reduce((sum, value, j) => sum + weight[i * x.length + j] * value, b),
      )
    );
    rows = outputs.map((row) => row.map((value) => Math.max(0, value)));
    return Array.from(bias, (_, i) => outputs.reduce((sum, row) => sum + row[i], 0) / SET.count);
  });
}

const worst = (a: number[][], b: number[][]) =>
  Math.max(...a.flatMap((layer, i) => layer.map((value, j) => Math.abs(value - b[i][j]))));

Deno.test("bias correction gives every layer the mean outputs that it had, whatever rounding did", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const parameters = initialParameters(smallModel, 4);
  const chunks = chunksOf(device, uploadImages(device, SET, smallModel.normalization));
  const weights = { grid: { kind: "affine", bits: 2 }, granularity: "tensor" } as const;
  const made = await quantizeByLayers(
    device,
    smallModel,
    parameters,
    { method: "bias_correction", weights, images: SET.count },
    chunks,
    undefined,
  );
  const wanted = meanOutputs(parameters);
  const uncorrected = { ...made.parameters };
  for (const layer of smallModel.layers) uncorrected[`${layer}.bias`] = parameters[`${layer}.bias`];
  assert.ok(worst(meanOutputs(uncorrected), wanted) > 0.05, "two bits move the means");
  assert.ok(worst(meanOutputs(made.parameters), wanted) < 1e-5);
  assert.deepEqual(made.remarks, []);
});
