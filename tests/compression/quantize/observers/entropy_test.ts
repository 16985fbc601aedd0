import assert from "node:assert/strict";
import fc from "../../../support/fast_check.ts";
import {
  clippingDivergence,
  entropyRange,
} from "../../../../compression/quantize/observers/entropy.ts";
import { histogramOf } from "../../../../compression/quantize/observers/histogram.ts";

/** The steps of Migacz 2017, one by one. */
function divergenceBySteps(counts: readonly number[], kept: number, levels: number): number {
  const reference = counts.slice(0, kept);
  reference[kept - 1] += counts.slice(kept).reduce((a, b) => a + b, 0);
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const expanded = new Array<number>(kept).fill(0);
  for (let level = 0; level < levels; level++) {
    const bins = [...expanded.keys()].filter((j) => Math.floor(j * levels / kept) === level);
    const filled = bins.filter((j) => counts[j] > 0);
    for (const j of filled) expanded[j] = sum(bins.map((bin) => counts[bin])) / filled.length;
  }
  const p = reference.map((count) => count / sum(reference));
  const q = expanded.map((count) => count / sum(expanded));
  return sum(p.map((share, j) => share === 0 ? 0 : share * Math.log(share / q[j])));
}

Deno.test("clippingDivergence() is what the steps of Migacz 2017 give", () => {
  const drawn = fc.array(fc.nat({ max: 20 }), { minLength: 4, maxLength: 24 });
  fc.assert(fc.property(drawn, fc.nat(), fc.integer({ min: 1, max: 4 }), (counts, n, levels) => {
    counts[0] += 1;
    const kept = levels + n % (counts.length - levels + 1);
    const wanted = divergenceBySteps(counts, kept, levels);
    const found = clippingDivergence(Float64Array.from(counts), kept, levels);
    if (wanted === Infinity) assert.equal(found, Infinity);
    else assert.ok(Math.abs(found - wanted) <= 1e-9, `${found} against ${wanted}`);
  }));
});

Deno.test("clippingDivergence() is 0 where a level has one bin and nothing is clipped", () => {
  assert.equal(clippingDivergence(Float64Array.of(3, 1, 0, 5), 4, 4), 0);
  assert.equal(clippingDivergence(Float64Array.of(3, 1, 0, 5), 3, 2), Infinity);
});

Deno.test("entropyRange() keeps more of an image than its darkest shade, however few the levels", () => {
  // pixels: 0 to 255 over 255, so most bins between them are empty
  // and nine of ten are of the darkest shade but black
  const pixels = Float32Array.from(
    { length: 20_000 },
    (_, i) => (i % 10 === 0 ? i / 10 % 256 : 1) / 255,
  );
  for (const bits of [1, 2, 3, 4, 8]) {
    const { low, high } = entropyRange(histogramOf(pixels), bits, false);
    assert.equal(low, 0);
    assert.ok(high >= 1 / 17, `${bits} bits: ${high}`);
  }
});

Deno.test("entropyRange() of a symmetric grid does not depend on whether one value is of the other sign", () => {
  const values = Float32Array.from({ length: 200_000 }, (_, i) => -Math.log((i + 0.5) / 200_000));
  const withOne = Float32Array.from([...values, -0.001]);
  for (const bits of [4, 6]) {
    const found = [values, withOne].map((v) => entropyRange(histogramOf(v), bits, true).high);
    assert.ok(Math.abs(found[0] - found[1]) < 0.02, `${bits} bits: ${found}`);
    const asymmetric = entropyRange(histogramOf(values), bits, false).high;
    assert.ok(asymmetric > 1.05 * found[0], `${bits} bits: ${asymmetric}`);
  }
});
