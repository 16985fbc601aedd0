import assert from "node:assert/strict";
import fc from "../../support/fast_check.ts";
import { filterBank, waveletNames } from "../../../kernels/dwt/filters.ts";
import { analyzeAxis, type BoundaryMode, synthesizeAxis } from "../../../kernels/dwt/reference.ts";
import { referenceDecompose, referenceReconstruct } from "../../../kernels/dwt/reference_2d.ts";
import { bandsOf, everySeventh, fixtureImage, waveletFixtures } from "./wavelet_fixtures.ts";

const MODES: readonly BoundaryMode[] = ["symmetric", "periodization"];

function largest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  return Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i])), 0);
}

Deno.test("filterBank() gives the filters of PyWavelets", () => {
  assert.deepEqual([...waveletNames].sort(), Object.keys(waveletFixtures.filters).sort());
  for (const [name, wanted] of Object.entries(waveletFixtures.filters)) {
    const bank = filterBank(name);
    for (const filter of ["decLo", "decHi", "recLo", "recHi"] as const) {
      assert.ok(largest(bank[filter], wanted[filter]) <= 1e-15, `${name}.${filter}`);
    }
  }
});

Deno.test("filterBank() names the nearest wavelet to one that does not exist", () => {
  assert.throws(() => filterBank("haaar"), /Cannot find wavelet "haaar".*did you mean "haar"\?$/);
});

Deno.test("filterBank() marks exactly the orthonormal wavelets", () => {
  for (const name of waveletNames) {
    const { decLo, orthonormal } = filterBank(name);
    let worst = 0;
    for (let shift = 0; shift < decLo.length; shift += 2) {
      const product = decLo.reduce((sum, value, i) => sum + value * (decLo[i + shift] ?? 0), 0);
      worst = Math.max(worst, Math.abs(product - (shift === 0 ? 1 : 0)));
    }
    assert.equal(worst < 1e-11, orthonormal, `${name}: ${worst}`);
  }
});

Deno.test("db filters have as many vanishing moments as their number says", () => {
  for (let order = 1; order <= 10; order++) {
    const { decHi } = filterBank(`db${order}`);
    for (let moment = 0; moment < order; moment++) {
      const terms = decHi.map((value, i) => value * (i / decHi.length) ** moment);
      assert.ok(Math.abs(terms.reduce((a, b) => a + b)) < 1e-9, `db${order}, moment ${moment}`);
    }
  }
});

Deno.test("referenceDecompose() gives the coefficients of wavedec2", () => {
  for (const fixture of waveletFixtures.transforms) {
    const bank = filterBank(fixture.wavelet);
    const { mode, levels, height, width } = fixture;
    const shape = { batch: 1, height, width };
    const pyramid = referenceDecompose(fixtureImage(height, width), shape, bank, mode, levels);
    const bands = bandsOf(pyramid);
    assert.equal(bands.length, fixture.bands.length);
    fixture.bands.forEach((wanted, i) => {
      const label = `${fixture.wavelet} ${mode} ${height}x${width} band ${i}`;
      assert.equal(bands[i].length, wanted.shape[0] * wanted.shape[1], label);
      assert.ok(largest(everySeventh(bands[i]), wanted.every7th) < 1e-11, label);
      assert.ok(Math.abs(bands[i].reduce((a, b) => a + b) - wanted.sum) < 1e-10, label);
    });
  }
});

Deno.test("synthesizeAxis() undoes analyzeAxis() for every wavelet, mode and length", () => {
  for (const name of waveletNames) {
    const { decLo, decHi, recLo, recHi } = filterBank(name);
    for (const mode of MODES) {
      for (let length = 1; length <= 40; length++) {
        const axis = { outer: 1, length, inner: 1 };
        const x = fixtureImage(1, length);
        const { low, high } = analyzeAxis(x, axis, { low: decLo, high: decHi }, mode);
        const y = synthesizeAxis(low, high, axis, { low: recLo, high: recHi }, mode);
        // The tables of sym2 to sym8 are themselves right to about 1e-12.
        assert.ok(largest(x, y) < 1e-9, `${name} ${mode} ${length}: ${largest(x, y)}`);
      }
    }
  }
});

Deno.test("referenceReconstruct() undoes referenceDecompose() for any shape and levels", () => {
  fc.assert(fc.property(
    fc.constantFrom(...waveletNames),
    fc.constantFrom(...MODES),
    fc.record({
      batch: fc.integer({ min: 1, max: 3 }),
      height: fc.integer({ min: 1, max: 33 }),
      width: fc.integer({ min: 1, max: 33 }),
    }),
    fc.integer({ min: 0, max: 4 }),
    (name, mode, shape, levels) => {
      const bank = filterBank(name);
      const x = fixtureImage(shape.batch * shape.height, shape.width);
      const pyramid = referenceDecompose(x, shape, bank, mode, levels);
      assert.ok(largest(referenceReconstruct(pyramid, shape, bank, mode), x) < 1e-9);
    },
  ));
});

Deno.test("orthonormal wavelets keep the energy of even signals in periodization", () => {
  const energy = (values: ArrayLike<number>) =>
    Array.from(values).reduce((sum, value) => sum + value * value, 0);
  for (const name of waveletNames.filter((wavelet) => filterBank(wavelet).orthonormal)) {
    const shape = { batch: 1, height: 28, width: 12 };
    const x = fixtureImage(28, 12);
    const pyramid = referenceDecompose(x, shape, filterBank(name), "periodization", 2);
    const kept = bandsOf(pyramid).reduce((sum, band) => sum + energy(band), 0);
    assert.ok(Math.abs(kept / energy(x) - 1) < 1e-10, name);
  }
});

Deno.test("synthesizeAxis() with reversed filters is the adjoint of analyzeAxis() if periodic", () => {
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, v, i) => sum + v * b[i], 0);
  const axis = { outer: 1, length: 24, inner: 1 };
  const x = fixtureImage(1, 24);
  const c = { low: fixtureImage(12, 1), high: fixtureImage(12, 1).reverse() };
  for (const name of waveletNames) {
    const { decLo, decHi } = filterBank(name);
    const bands = analyzeAxis(x, axis, { low: decLo, high: decHi }, "periodization");
    const transposed = { low: decLo.toReversed(), high: decHi.toReversed() };
    const y = synthesizeAxis(c.low, c.high, axis, transposed, "periodization");
    const gap = dot(bands.low, c.low) + dot(bands.high, c.high) - dot(x, y);
    assert.ok(Math.abs(gap) < 1e-9, name);
  }
});
