import assert from "node:assert/strict";
import { meanSquaredError } from "../../../../autograd/mod.ts";
import {
  affineGrid,
  dequantize,
  quantize,
  reconstructBlock,
  reconstructionPlan,
} from "../../../../compression/mod.ts";
import { learnedGrids } from "../../../../compression/quantize/methods/learned_grids.ts";
import { read, tensor, zeros } from "../../../../gpu/mod.ts";
import { testDevice } from "../../../support/device.ts";
import { normals } from "./random_hessian.ts";

Deno.test("reconstructBlock() ends a step of activations that learned its way below 0 at the smallest", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, normals(64, 1), [1, 4, 16]);
  const target = zeros(device, [1, 4, 16]);
  const grid = affineGrid({ low: -3, high: 3 }, { kind: "affine", bits: 4 });
  const block = {
    weights: [],
    activations: [{ layer: "fc9", grids: [grid] }],
    seeds: [1],
    unit: 1,
    // the nearer the step is to 0, the nearer the clipped values are
    losses: ({ quantizeInput }: { quantizeInput(layer: string, of: typeof x): typeof x }) =>
      meanSquaredError(quantizeInput("fc9", x), target),
  };
  const fast = reconstructionPlan({ steps: 8, scaleRate: 0.9 });
  const [found] = await reconstructBlock(device, block, fast);
  assert.equal(found.activations.fc9.scale, 2 ** -20);
  const [{ activations }] = await reconstructBlock(
    device,
    block,
    reconstructionPlan({ steps: 8, scaleRate: 0.01 }),
  );
  assert.ok(activations.fc9.scale < grid.scale && activations.fc9.scale > 0.9 * grid.scale);
});

Deno.test("learnedGrids() ends with the steps that it computed with, however small", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const finest = { kind: "affine", zeroPoint: 3, qMin: 0, qMax: 7 } as const;
  const grids = [2 ** -22, 2 ** -20, 2 ** -19].map((scale) => ({
    ...finest,
    scale,
    inverseScale: 1 / scale,
  }));
  const values = normals(3 * 16, 2).map((value) => value * 2 ** -20);
  const learned = learnedGrids(device, [], [{ layer: "fc9", grids }], 3);
  const x = tensor(device, values, [3, 1, 16]);
  const context = { clock: zeros(device, [1], "u32"), seeds: zeros(device, [3], "u32") };
  const seen = await read(learned.quantizeInput("fc9", x, context, 0));
  const made = await learned.harden();
  const scales = made.map(({ activations }) => activations.fc9.scale);
  assert.deepEqual(scales, [2 ** -20, 2 ** -20, 2 ** -19]);
  values.forEach((value, i) => {
    const grid = made[Math.floor(i / 16)].activations.fc9;
    assert.equal(seen[i] + 0, dequantize(quantize(value, grid), grid) + 0); // -0 is 0
  });
});
