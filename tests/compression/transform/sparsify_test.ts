import assert from "node:assert/strict";
import fc from "../../support/fast_check.ts";
import {
  fixedPermutation,
  imageLayout,
  magnitudePrune,
  matrixLayout,
  permutedLayout,
  referenceSparsify,
  selectLargest,
  sparsify,
  type SparsityStage,
  waveletThreshold,
} from "../../../compression/transform/mod.ts";
import { empty, read, tensor } from "../../../gpu/mod.ts";
import { randomSource, standardNormal } from "../../../kernels/mod.ts";
import { testDevice } from "../../support/device.ts";

const OUTPUTS = 6;
const INPUTS = 12 * 8;
const size = { outputs: OUTPUTS, inputs: INPUTS };

const layouts = [matrixLayout(), imageLayout(12, 8), permutedLayout(12, 8, 3)];
const stages: SparsityStage[] = [
  magnitudePrune(),
  ...layouts.flatMap((layout) => [
    waveletThreshold({ wavelet: "haar", layout, levels: 2 }),
    waveletThreshold({ wavelet: "db2", layout, threshold: "soft" }),
    waveletThreshold({ wavelet: "bior4.4", layout, mode: "symmetric" }),
  ]),
];

function randomWeights(count: number, seed: number): Float32Array<ArrayBuffer> {
  const random = randomSource(seed);
  return Float32Array.from({ length: count }, () => standardNormal(random));
}

function nameOf(stage: SparsityStage): string {
  if (stage.kind === "magnitude_prune") return stage.kind;
  return `${stage.wavelet}, ${stage.layout.kind}, ${stage.mode}, ${stage.threshold}`;
}

function assertClose(found: ArrayLike<number>, wanted: ArrayLike<number>, within: number): void {
  assert.equal(found.length, wanted.length);
  for (let i = 0; i < found.length; i++) {
    assert.ok(Math.abs(found[i] - wanted[i]) <= within, `${i}: ${found[i]}, wanted ${wanted[i]}`);
  }
}

for (const stage of stages) {
  Deno.test(`sparsify() agrees with its float64 reference: ${nameOf(stage)}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const values = randomWeights(OUTPUTS * INPUTS, 5);
    const keeps = [1, 0.5, 0.1, 0.001];
    const weights = tensor(device, values, [1, OUTPUTS, INPUTS]);
    const sparse = await sparsify(weights, stage, keeps);
    assert.deepEqual(sparse.weights.shape, [keeps.length, OUTPUTS, INPUTS]);
    const wanted = keeps.flatMap((keep) => [
      ...referenceSparsify(Float64Array.from(values), size, stage, keep).weights,
    ]);
    assertClose(await read(sparse.weights), wanted, 1e-5);
  });

  Deno.test(`sparsify() gives the weights back if all is kept: ${nameOf(stage)}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const values = randomWeights(OUTPUTS * INPUTS, 6);
    const weights = tensor(device, values, [1, OUTPUTS, INPUTS]);
    const { weights: same } = await sparsify(weights, stage, [1]);
    assertClose(await read(same), values, 1e-5);
  });
}

Deno.test("sparsify() treats networks of a population as it treats each alone", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const networks = [1, 2, 3].map((seed) => randomWeights(OUTPUTS * INPUTS, seed));
  const keeps = [0.3, 0.05, 1];
  const together = new Float32Array(networks.flatMap((network) => [...network]));
  const population = tensor(device, together, [3, OUTPUTS, INPUTS]);
  for (const stage of stages) {
    const all = await read((await sparsify(population, stage, keeps)).weights);
    for (const [i, values] of networks.entries()) {
      const alone = tensor(device, values, [1, OUTPUTS, INPUTS]);
      const one = await read((await sparsify(alone, stage, [keeps[i]])).weights);
      assert.deepEqual(all.slice(i * one.length, (i + 1) * one.length), one, nameOf(stage));
    }
  }
});

Deno.test("sparsify() keeps exactly as many as asked where all are equal, the first ones", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const weights = tensor(device, new Float32Array(OUTPUTS * INPUTS).fill(-2), [1, OUTPUTS, INPUTS]);
  const { weights: sparse, kept, coefficients } = await sparsify(weights, magnitudePrune(), [0.25]);
  assert.equal(coefficients, OUTPUTS * INPUTS);
  assert.deepEqual(kept, [144]);
  const found = await read(sparse);
  assert.ok(found.every((value, i) => value === (i < 144 ? -2 : 0)));
});

Deno.test("sparsify() leaves no memory behind but its result", async () => {
  const device = await testDevice();
  const stage = waveletThreshold({ wavelet: "db2", layout: permutedLayout(12, 8), levels: 2 });
  using _scope = device.scope();
  const weights = tensor(device, randomWeights(OUTPUTS * INPUTS, 1), [1, OUTPUTS, INPUTS]);
  const before = device.stats().liveBytes;
  const { weights: sparse } = await sparsify(weights, stage, [0.5, 0.1]);
  const between = device.stats().liveBytes;
  empty(device, sparse.shape);
  assert.equal(between - before, device.stats().liveBytes - between);
});

Deno.test("orthonormal wavelets lose exactly the energy of the dropped coefficients", () => {
  const energy = (values: Float64Array) => values.reduce((sum, v) => sum + v * v, 0);
  const weights = Float64Array.from(randomWeights(OUTPUTS * INPUTS, 8));
  for (const layout of layouts) {
    const stage = waveletThreshold({ wavelet: "db3", layout });
    const sparse = referenceSparsify(weights, size, stage, 0.2);
    const kept = energy(sparse.coefficients);
    assert.ok(Math.abs(energy(sparse.weights) - kept) < 1e-9 * kept);
    const lost = energy(weights.map((v, i) => v - sparse.weights[i]));
    assert.ok(Math.abs(lost - (energy(weights) - kept)) < 1e-9 * energy(weights));
  }
});

Deno.test("selectLargest() keeps the exact count, and nothing smaller than what it drops", () => {
  fc.assert(fc.property(
    fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 1, maxLength: 60 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    (numbers, share) => {
      const count = Math.max(1, Math.round(share * numbers.length));
      const [{ magnitude, tiesBelow }] = selectLargest(Float32Array.from(numbers), [count]);
      const isKept = numbers.map((value, i) =>
        Math.abs(value) > magnitude || (Math.abs(value) === magnitude && i < tiesBelow)
      );
      assert.equal(isKept.filter((kept) => kept).length, count);
      const byRank = [...numbers.keys()]
        .sort((a, b) => Math.abs(numbers[b]) - Math.abs(numbers[a]) || a - b);
      assert.ok(byRank.every((index, rank) => isKept[index] === rank < count));
    },
  ));
});

Deno.test("selectLargest() refuses numbers that are not finite, and says where", () => {
  assert.throws(() => selectLargest(Float32Array.of(1, NaN), [1]), /number 1 must be finite.*NaN/);
});

Deno.test("fixedPermutation() depends on its seed, moves pixels, and its inverse undoes it", () => {
  const { order, inverse } = fixedPermutation(784, 0);
  assert.ok(order.every((from, i) => inverse[from] === i));
  assert.ok(order.filter((from, i) => from === i).length < 10);
  assert.notDeepEqual(order, fixedPermutation(784, 1).order);
});

Deno.test("waveletThreshold() refuses unknown names and impossible levels", () => {
  const layout = matrixLayout();
  assert.throws(() => waveletThreshold({ wavelet: "har", layout }), /did you mean "haar"\?$/);
  assert.throws(() => waveletThreshold({ wavelet: "db2", layout, levels: 0 }), RangeError);
  const mode = "symetric" as "symmetric";
  assert.throws(() => waveletThreshold({ wavelet: "db2", layout, mode }), /mean "symmetric"\?$/);
});

Deno.test("sparsify() refuses a layout that does not fit, and ratios out of range", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const weights = tensor(device, randomWeights(OUTPUTS * INPUTS, 1), [1, OUTPUTS, INPUTS]);
  const stage = waveletThreshold({ wavelet: "haar", layout: imageLayout(28, 28) });
  await assert.rejects(sparsify(weights, stage, [0.5]), /28 x 28 = 784.*\[6, 96\]/);
  await assert.rejects(sparsify(weights, magnitudePrune(), [0]), /above 0 and at most 1: it is 0/);
  const two = tensor(device, randomWeights(2 * INPUTS, 1), [2, 1, INPUTS]);
  await assert.rejects(sparsify(two, magnitudePrune(), [0.1, 0.2, 0.3]), /3 keep ratios/);
});
