import assert from "node:assert/strict";
import fc from "../support/fast_check.ts";
import { equivalenceTest } from "../../experiments/equivalence.ts";
import { fitTwoSegments } from "../../experiments/knee.ts";
import {
  bootstrapInterval,
  comparePairs,
  mean,
  meanInterval,
  quantile,
  signFlipTest,
} from "../../experiments/statistics.ts";
import { studentTQuantile, studentTUpperTail } from "../../experiments/student_t.ts";
import scipy from "./fixtures/statistics.json" with { type: "json" };

function assertClose(actual: number, expected: number, relative: number, what: string): void {
  const error = Math.abs(actual - expected);
  assert.ok(
    error <= relative * Math.max(1, Math.abs(expected)),
    `${what}: ${actual}, SciPy has ${expected}`,
  );
}

Deno.test("studentTQuantile() equals scipy.stats.t.ppf", () => {
  for (const { p, degrees, t } of scipy.quantiles) {
    assertClose(studentTQuantile(p, degrees), t, 1e-10, `t(${p}, ${degrees})`);
  }
});

Deno.test("studentTQuantile() refuses what has no quantile", () => {
  assert.throws(() => studentTQuantile(1, 4), RangeError);
  assert.throws(() => studentTQuantile(0.975, 0), RangeError);
});

Deno.test("studentTUpperTail() undoes studentTQuantile(), on both sides", () => {
  for (const { p, degrees, t } of scipy.quantiles) {
    assertClose(studentTUpperTail(t, degrees), 1 - p, 1e-10, `tail of t(${p}, ${degrees})`);
  }
});

Deno.test("equivalenceTest() equals two one-sided scipy.stats.ttest_1samp", () => {
  for (const { d, margin, p } of scipy.equivalences) {
    assertClose(equivalenceTest(d, margin), p, 1e-10, `n = ${d.length}`);
  }
});

Deno.test("equivalenceTest() says nothing of one seed, nor of seeds without variance", () => {
  assert.equal(equivalenceTest([0], 0.001), 1);
  assert.equal(equivalenceTest([0, 0, 0], 0.001), 1, "such as those of collapsed networks");
  assert.equal(equivalenceTest([0.001, 0.001], 0.001), 1);
  assert.throws(() => equivalenceTest([0, 0], 0), /margin must be above 0: 0/);
});

Deno.test("meanInterval() equals scipy.stats.t.interval", () => {
  for (const { x, lower, upper, sd, mean } of scipy.intervals) {
    const interval = meanInterval(x);
    assertClose(interval.mean, mean, 1e-14, "mean");
    assertClose(interval.sd, sd, 1e-14, "sd");
    assertClose(interval.lower, lower, 1e-12, "lower");
    assertClose(interval.upper, upper, 1e-12, "upper");
  }
});

Deno.test("meanInterval() of one seed bounds nothing", () => {
  assert.deepEqual(meanInterval([0.97]), {
    n: 1,
    mean: 0.97,
    sd: NaN,
    halfWidth: Infinity,
    lower: -Infinity,
    upper: Infinity,
  });
  assert.equal(meanInterval([]).n, 0);
});

Deno.test("signFlipTest() equals scipy.stats.permutation_test of paired samples", () => {
  for (const { d, p } of scipy.signFlips) assertClose(signFlipTest(d), p, 1e-12, `n = ${d.length}`);
});

Deno.test("signFlipTest() draws patterns above 20 pairs, close to the exact test, the same each time", () => {
  const differences = Array.from({ length: 21 }, (_, i) => Math.sin(i) + 0.3);
  const drawn = signFlipTest(differences);
  assert.equal(drawn, signFlipTest(differences));
  // Normal approximation of the same test: z = sum / sqrt(sum of squares).
  const z = differences.reduce((s, d) => s + d, 0) / Math.hypot(...differences);
  const approximate = 2 * (1 - normalCdf(Math.abs(z)));
  assert.ok(Math.abs(drawn - approximate) < 0.02, `${drawn} against ${approximate}`);
});

/** Standard normal distribution function (Abramowitz and Stegun 7.1.26, error below 1e-7). */
function normalCdf(z: number): number {
  const t = 1 / (1 + 0.3275911 * z / Math.SQRT2);
  const series = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429]
    .reduce((s, c, i) => s + c * t ** (i + 1), 0);
  return 1 - 0.5 * series * Math.exp(-z * z / 2);
}

Deno.test("signFlipTest() is symmetric in sign and never below 2 / 2^n", () => {
  const differences = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), {
    minLength: 1,
    maxLength: 9,
  });
  fc.assert(fc.property(differences, (d) => {
    const p = signFlipTest(d);
    assert.equal(p, signFlipTest(d.map((v) => -v)));
    assert.ok(p >= 2 / 2 ** d.length && p <= 1);
  }));
});

Deno.test("comparePairs() sees a small difference that seeds drown", () => {
  const base = [0.971, 0.975, 0.979, 0.968, 0.982];
  const better = base.map((v, i) => v + 0.001 + i * 1e-5);
  const { difference, pValue } = comparePairs(better, base);
  assert.ok(difference.lower > 0.0009 && difference.upper < 0.0012);
  assert.equal(pValue, 2 / 32);
  assert.throws(() => comparePairs([1], [1, 2]), RangeError);
});

Deno.test("quantile() equals numpy.quantile", () => {
  const { x, shares, values } = scipy.quantile;
  shares.forEach((share, i) => assertClose(quantile(x, share), values[i], 1e-14, `${share}`));
});

Deno.test("bootstrapInterval() of a mean is reproducible and as wide as the normal interval", () => {
  const values = Array.from({ length: 40 }, (_, i) => Math.sin(12.9898 * i));
  const draw = (seed: number) =>
    bootstrapInterval(40, (indices) => mean(indices.map((i) => values[i])), { seed });
  const interval = draw(0)!;
  assert.deepEqual(interval, draw(0));
  assert.notDeepEqual(interval, draw(1));
  const { mean: center, sd } = meanInterval(values);
  const halfWidth = 1.96 * sd / Math.sqrt(40);
  assertClose(interval.lower, center - halfWidth, 0.03, "lower");
  assertClose(interval.upper, center + halfWidth, 0.03, "upper");
  assert.equal(bootstrapInterval(1, () => 1), undefined);
  assert.equal(bootstrapInterval(5, () => undefined), undefined);
});

Deno.test("fitTwoSegments() finds the least squares that scipy.optimize finds", () => {
  for (const { x, y, knee, residual } of scipy.knees) {
    const fit = fitTwoSegments(x, y)!;
    assert.ok(fit.residual <= residual * (1 + 1e-9), `${fit.residual} against ${residual}`);
    assertClose(fit.knee, knee, 1e-5, "knee");
  }
});

Deno.test("fitTwoSegments() recovers a noiseless knee between two points", () => {
  const x = [1, 2, 3, 4, 5, 6, 7, 8];
  const fit = fitTwoSegments(x, x.map((v) => v < 3.7 ? 10 + 5 * (v - 3.7) : 10 + 0.5 * (v - 3.7)))!;
  assertClose(fit.knee, 3.7, 1e-12, "knee");
  assertClose(fit.slopes[0], 5, 1e-12, "slope below");
  assertClose(fit.slopes[1], 0.5, 1e-12, "slope above");
  assert.equal(fitTwoSegments([1, 2, 3, 4], [1, 2, 2, 2]), undefined);
});
