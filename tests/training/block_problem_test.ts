import assert from "node:assert/strict";
import { chunksOf, uploadImages } from "../../data/mod.ts";
import { read, type Tensor, tensor } from "../../gpu/mod.ts";
import { initialParameters, type ParameterTensors, uploadParameters } from "../../models/mod.ts";
import { blockProblem } from "../../training/block_problem.ts";
import { fisherGradients } from "../../training/fisher_gradients.ts";
import { testDevice } from "../support/device.ts";
import { smallModel, smallSet } from "./small_set.ts";

const LAYER = "fc1";
const SEED = 7;

Deno.test("blockProblem() measures mean (z - z_hat)^2 of a layer, and by Fisher information mean g^2 (z - z_hat)^2", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const images = uploadImages(device, smallSet(1, 3)); // one image: every batch is it
  const [chunk] = chunksOf(device, images);
  const [float, changed] = [4, 5].map((seed) =>
    uploadParameters(device, smallModel, [initialParameters(smallModel, seed)]).tensors
  );
  const name = `${LAYER}.weight`;
  const soft = {
    clock: tensor(device, Uint32Array.of(0)),
    seeds: tensor(device, Uint32Array.of(SEED)),
    weights: { [name]: changed[name] },
    quantizeInput: (_layer: string, x: Tensor) => x,
  };
  const outputsOf = (parameters: ParameterTensors) => {
    const seen: Tensor[] = [];
    const logits = smallModel.forward(parameters, chunk, {
      layerOutput: (layer, y) => {
        if (layer === LAYER) seen.push(y);
      },
    });
    return { z: seen[0], logits };
  };
  const { z, logits } = outputsOf(float);
  const found = Float64Array.from(await read(outputsOf({ ...float, ...soft.weights }).z));
  const wanted = Float64Array.from(await read(z));
  const gradients = await read(fisherGradients(logits, z, soft));
  for (const weighting of [undefined, "fisher"] as const) {
    const weights = wanted.map((_, i) => weighting === undefined ? 1 : gradients[i] ** 2);
    const mean = (square: (i: number) => number) =>
      weights.reduce((sum, weight, i) => sum + weight * square(i), 0) / weights.length;
    const problem = blockProblem(device, smallModel, float, { weights: {}, grids: [{}] }, images, {
      batch: 1,
      output: LAYER,
      isQuantized: false,
      weighting,
    });
    const pairs = [
      [(await read(problem.losses(soft)))[0], mean((i) => (found[i] - wanted[i]) ** 2)],
      [await problem.unit([SEED]), mean((i) => wanted[i] ** 2)],
    ];
    for (const [measured, defined] of pairs) {
      assert.ok(Math.abs(measured - defined) <= 1e-5 * defined, `${measured}, not ${defined}`);
    }
  }
});
