import assert from "node:assert/strict";
import {
  adaRound,
  chooseWeightGrids,
  dequantizeWeight,
  reconstructBlock,
  reconstructionPlan,
  roundToGrids,
  type WeightGrid,
} from "../../../../compression/mod.ts";
import { linear, meanSquaredError } from "../../../../autograd/mod.ts";
import { tensor, zeros } from "../../../../gpu/mod.ts";
import { testDevice } from "../../../support/device.ts";
import { correlatedInputs, hessianOf, normals, outputError } from "./random_hessian.ts";

const shape = [6, 8];
const [outputs, inputs] = shape;
const plan = reconstructionPlan({ steps: 600, scaleRate: 0 });

function gridsOf(weight: Float32Array): WeightGrid[] {
  return chooseWeightGrids(weight, shape, {
    grid: { kind: "affine", bits: 3 },
    granularity: "channel",
  });
}

Deno.test("adaRound() has a smaller output error than rounding to nearest, on the same grids", async () => {
  const device = await testDevice();
  for (const seed of [1, 2, 3]) {
    const weight = normals(outputs * inputs, seed);
    const hessian = hessianOf(correlatedInputs(64, inputs, seed), inputs);
    const grids = gridsOf(weight);
    const { quantized: learned, damping } = await adaRound(
      device,
      weight,
      shape,
      grids,
      hessian,
      plan,
    );
    assert.deepEqual(damping, [{ asked: 0, used: 0 }]);
    assert.deepEqual(learned.grids, grids);
    const nearest = roundToGrids(weight, shape, grids, "nearestEven");
    learned.codes.forEach((code, i) => {
      assert.ok(Math.abs(code - nearest.codes[i]) <= 1, "a weight went past its neighbors");
    });
    const error = outputError(weight, dequantizeWeight(learned), hessian);
    const before = outputError(weight, dequantizeWeight(nearest), hessian);
    assert.ok(error < 0.6 * before, `${error} against ${before}`);
  }
});

Deno.test("adaRound() learns scales when it may, which helps further where they were badly chosen", async () => {
  const device = await testDevice();
  let [fixed, learned] = [0, 0];
  for (const seed of [4, 5, 6]) {
    const weight = normals(outputs * inputs, seed);
    const hessian = hessianOf(correlatedInputs(64, inputs, seed), inputs);
    const grids = gridsOf(weight.map((value) => 2 * value)); // twice as wide as they should be
    const errorOf = async (scaleRate: number) => {
      const given = reconstructionPlan({ steps: 600, scaleRate });
      const { quantized } = await adaRound(device, weight, shape, grids, hessian, given);
      return outputError(weight, dequantizeWeight(quantized), hessian);
    };
    fixed += await errorOf(0);
    learned += await errorOf(3e-3);
  }
  assert.ok(learned < 0.9 * fixed, `${learned} against ${fixed}`);
});

Deno.test("adaRound() rounds the groups of a convolution each by its own inputs", async () => {
  const device = await testDevice();
  const weight = normals(outputs * inputs, 5);
  const parts = [6, 7].map((seed) => hessianOf(correlatedInputs(64, inputs, seed), inputs));
  const both = {
    ...parts[0],
    groups: 2,
    values: Float64Array.from([...parts[0].values, ...parts[1].values]),
    mean: Float64Array.from([...parts[0].mean, ...parts[1].mean]),
  };
  const grids = gridsOf(weight);
  const { quantized: made } = await adaRound(device, weight, [6, 2, 2, 2], grids, both, plan);
  assert.deepEqual(made.shape, [6, 2, 2, 2]);
  const half = outputs / 2;
  const cut = <T extends Float32Array>(of: T, g: number) =>
    of.slice(g * half * inputs, (g + 1) * half * inputs);
  for (const g of [0, 1]) {
    const error = outputError(cut(weight, g), cut(dequantizeWeight(made), g), parts[g]);
    const nearest = dequantizeWeight(roundToGrids(weight, shape, grids, "nearestEven"));
    const before = outputError(cut(weight, g), cut(nearest, g), parts[g]);
    assert.ok(error < 0.7 * before, `group ${g}: ${error} against ${before}`);
  }
});

Deno.test("adaRound() refuses a Hessian that is not of the weight, or not finite", async () => {
  const device = await testDevice();
  const weight = normals(outputs * inputs, 4);
  const hessian = hessianOf(correlatedInputs(64, inputs, 4), inputs);
  const run = (of: typeof hessian) => adaRound(device, weight, shape, gridsOf(weight), of, plan);
  await assert.rejects(run({ ...hessian, inputs: 7 }), { name: "RangeError" });
  const values = hessian.values.slice();
  values[3] = NaN;
  await assert.rejects(run({ ...hessian, values }), {
    name: "RangeError",
    message: "Cannot factor a Hessian: its elements must be finite: element 3 is NaN",
  });
  await assert.rejects(run({ ...hessian, values: hessian.values.with(inputs + 1, -2) }), {
    name: "RangeError",
    message: `Cannot factor a Hessian: no element of its diagonal may be negative: element ${
      inputs + 1
    } is -2`,
  });
});

Deno.test("adaRound() says by how much it damped a Hessian of too few samples", async () => {
  const device = await testDevice();
  const weight = normals(outputs * inputs, 4);
  const singular = hessianOf(correlatedInputs(3, inputs, 4), inputs);
  const short = reconstructionPlan({ steps: 10 });
  const { damping } = await adaRound(device, weight, shape, gridsOf(weight), singular, short);
  assert.equal(damping.length, 1);
  assert.equal(damping[0].asked, 0);
  assert.ok(damping[0].used > 0);
});

Deno.test("reconstructBlock() refuses a loss that does not stay finite, and gives all memory back", async () => {
  const device = await testDevice();
  const weight = normals(outputs * inputs, 4);
  const block = (value: number) => ({
    label: "fc1",
    weights: [{ name: "w", shape, values: [weight], grids: [gridsOf(weight)] }],
    seeds: [1],
    unit: 1,
    losses: ({ weights }: { weights: Readonly<Record<string, ReturnType<typeof zeros>>> }) =>
      meanSquaredError(
        linear(x(value), weights.w, noBias),
        target,
      ),
  });
  const scope = device.scope();
  const x = (value: number) => value === 1 ? good : bad;
  const good = tensor(device, normals(3 * inputs, 1), [1, 3, inputs]);
  const bad = tensor(device, normals(3 * inputs, 1).fill(1e30), [1, 3, inputs]);
  const noBias = zeros(device, [1, outputs]);
  const target = zeros(device, [1, 3, outputs]);
  const small = reconstructionPlan({ steps: 10 });
  const before = device.stats().liveBytes;
  await assert.rejects(reconstructBlock(device, block(Infinity), small), {
    name: "RangeError",
    message: /^Cannot reconstruct fc1: the loss must stay finite: at step 0 it is (Infinity|NaN)$/,
  });
  const [made] = await reconstructBlock(device, block(1), small);
  assert.equal(made.losses.length, 10);
  assert.equal(device.stats().liveBytes, before);
  scope[Symbol.dispose]();
});
