import assert from "node:assert/strict";
import fc from "../support/fast_check.ts";
import { permutationBits, permutedIndex } from "../../kernels/mod.ts";

function permutation(count: number, seed: number, epoch: number): number[] {
  return Array.from({ length: count }, (_, index) => permutedIndex(index, count, seed, epoch));
}

function isBijection(image: readonly number[]): boolean {
  return new Set(image).size === image.length &&
    image.every((value) => Number.isInteger(value) && value >= 0 && value < image.length);
}

Deno.test("permutedIndex() is a bijection of every small set", () => {
  for (let count = 1; count <= 300; count++) {
    assert.ok(isBijection(permutation(count, 20, count % 3)), `count ${count}`);
  }
});

Deno.test("permutedIndex() is a bijection of any set, seed and epoch", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.integer({ min: 0, max: 1000 }),
      (count, seed, epoch) => isBijection(permutation(count, seed, epoch)),
    ),
    { numRuns: 40, seed: 1 },
  );
});

Deno.test("permutedIndex() visits the 60,000 images of MNIST once an epoch", () => {
  assert.ok(isBijection(permutation(60_000, 1, 0)));
});

Deno.test("permutedIndex() orders every epoch and every seed anew", () => {
  const COUNT = 1000;
  const first = permutation(COUNT, 7, 0);
  for (const other of [permutation(COUNT, 7, 1), permutation(COUNT, 8, 0)]) {
    const fixed = other.filter((value, i) => value === first[i]).length;
    // two independent permutations agree in one place on average: more than 10 has odds of 1e-8
    assert.ok(fixed <= 10, `${fixed} of ${COUNT} places agree`);
  }
  assert.deepEqual(permutation(COUNT, 7, 0), first);
});

Deno.test("permutedIndex() sends an index anywhere with equal odds", () => {
  const COUNT = 20;
  const EPOCHS = 20_000;
  const hits = new Array(COUNT).fill(0);
  for (let epoch = 0; epoch < EPOCHS; epoch++) hits[permutedIndex(3, COUNT, 11, epoch)]++;
  const wanted = EPOCHS / COUNT;
  const chiSquare = hits.reduce((sum, n) => sum + (n - wanted) ** 2 / wanted, 0);
  // 19 degrees of freedom: 43.8 is exceeded with odds of 0.1 %
  assert.ok(chiSquare < 43.8, `chi-square is ${chiSquare}`);
});

Deno.test("permutedIndex() leaves no trace of the order of neighbors", () => {
  const COUNT = 4096;
  const image = permutation(COUNT, 3, 0);
  const mean = (COUNT - 1) / 2;
  let covariance = 0;
  for (let i = 1; i < COUNT; i++) covariance += (image[i] - mean) * (image[i - 1] - mean);
  const correlation = covariance / (COUNT - 1) / ((COUNT ** 2 - 1) / 12);
  // standard deviation 1 / 64: four of them
  assert.ok(Math.abs(correlation) < 4 / 64, `correlation is ${correlation}`);
});

Deno.test("permutationBits() is even and holds the set", () => {
  for (const [count, bits] of [[1, 2], [4, 2], [5, 4], [16, 4], [17, 6], [60_000, 16]]) {
    assert.equal(permutationBits(count), bits, `count ${count}`);
  }
});
