import assert from "node:assert/strict";
import { read, run } from "../../gpu/mod.ts";
import {
  pcgHash,
  randomInteger,
  randomKernels,
  randomSource,
  standardNormal,
  streamKey,
  uniformAt,
} from "../../kernels/mod.ts";
import { testDevice } from "../support/device.ts";

const COUNT = 100_000;

function moments(values: ArrayLike<number>) {
  let mean = 0;
  for (let i = 0; i < values.length; i++) mean += values[i] / values.length;
  let variance = 0;
  let fourth = 0;
  for (let i = 0; i < values.length; i++) {
    variance += (values[i] - mean) ** 2 / values.length;
    fourth += (values[i] - mean) ** 4 / values.length;
  }
  return { mean, variance, kurtosis: fourth / variance ** 2 };
}

function assertNear(found: number, wanted: number, within: number, what: string): void {
  assert.ok(Math.abs(found - wanted) <= within, `${what} is ${found}, not ${wanted} +- ${within}`);
}

Deno.test("randomSource() is uniform on [0, 1)", () => {
  const random = randomSource(1);
  const bins = new Array(100).fill(0);
  const values = Array.from({ length: COUNT }, () => random());
  for (const value of values) bins[Math.floor(100 * value)]++;
  assert.ok(values.every((value) => value >= 0 && value < 1));
  const wanted = COUNT / 100;
  const chiSquare = bins.reduce((sum, n) => sum + (n - wanted) ** 2 / wanted, 0);
  // 99 degrees of freedom: below 56 and above 149 each with odds of 0.05 %
  assert.ok(chiSquare > 56 && chiSquare < 149, `chi-square is ${chiSquare}`);
  const { mean, variance } = moments(values);
  assertNear(mean, 1 / 2, 4 * Math.sqrt(1 / 12 / COUNT), "mean");
  assertNear(variance, 1 / 12, 4 * Math.sqrt(1 / 180 / COUNT), "variance");
});

Deno.test("randomSource() gives streams and seeds that do not correlate", () => {
  const draw = (seed: number, stream: number) => {
    const random = randomSource(seed, stream);
    return Array.from({ length: 10_000 }, () => random() - 1 / 2);
  };
  const first = draw(1, 0);
  assert.deepEqual(draw(1, 0), first);
  for (const other of [draw(1, 1), draw(2, 0), draw(1, 2)]) {
    const correlation = 12 * first.reduce((sum, x, i) => sum + x * other[i], 0) / first.length;
    assertNear(correlation, 0, 4 / 100, "correlation");
  }
});

Deno.test("standardNormal() has mean 0, variance 1 and kurtosis 3", () => {
  const random = randomSource(2);
  const { mean, variance, kurtosis } = moments(
    Array.from({ length: COUNT }, () => standardNormal(random)),
  );
  assertNear(mean, 0, 4 / Math.sqrt(COUNT), "mean");
  assertNear(variance, 1, 4 * Math.sqrt(2 / COUNT), "variance");
  assertNear(kurtosis, 3, 4 * Math.sqrt(24 / COUNT), "kurtosis");
});

Deno.test("randomInteger() draws both ends and nothing beyond", () => {
  const random = randomSource(3);
  const counts = new Map<number, number>();
  for (let i = 0; i < 7000; i++) {
    const value = randomInteger(random, -3, 3);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  assert.deepEqual([...counts.keys()].toSorted((a, b) => a - b), [-3, -2, -1, 0, 1, 2, 3]);
  for (const count of counts.values()) assertNear(count, 1000, 4 * Math.sqrt(860), "count");
});

Deno.test("pcgHash() is a bijection of 32 bits as far as a million inputs show", () => {
  const seen = new Set<number>();
  for (let i = 0; i < 1_000_000; i++) seen.add(pcgHash(i));
  assert.equal(seen.size, 1_000_000);
});

Deno.test("pcgHash() flips half the bits when one bit of its input flips", () => {
  let flipped = 0;
  const inputs = 500;
  for (let i = 0; i < inputs; i++) {
    for (let bit = 0; bit < 32; bit++) {
      let difference = pcgHash(i) ^ pcgHash((i ^ (1 << bit)) >>> 0);
      for (; difference !== 0; difference &= difference - 1) flipped++;
    }
  }
  assertNear(flipped / (inputs * 32), 16, 0.5, "bits flipped on average");
});

Deno.test("randomKernels give the host's uniforms bit for bit, and normals of variance 1", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const key = streamKey(9, 4);
  const params = { size: COUNT, key };
  const uniform = await read(run(randomKernels.fillUniform, {}, params, { device }).y);
  const normal = await read(run(randomKernels.fillNormal, {}, params, { device }).y);
  assert.ok(uniform.every((value, i) => value === uniformAt(key, i)));
  const { mean, variance, kurtosis } = moments(normal);
  assertNear(mean, 0, 4 / Math.sqrt(COUNT), "mean");
  assertNear(variance, 1, 4 * Math.sqrt(2 / COUNT), "variance");
  assertNear(kurtosis, 3, 4 * Math.sqrt(24 / COUNT), "kurtosis");
});
