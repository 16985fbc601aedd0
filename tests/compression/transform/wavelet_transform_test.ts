import assert from "node:assert/strict";
import fc from "../../support/fast_check.ts";
import { decompose, reconstruct } from "../../../compression/transform/wavelet_transform.ts";
import { readAll, tensor } from "../../../gpu/mod.ts";
import {
  type BoundaryMode,
  filterBank,
  referenceDecompose,
  waveletNames,
} from "../../../kernels/mod.ts";
import {
  bandsOf,
  everySeventh,
  fixtureImage,
  waveletFixtures,
} from "../../kernels/dwt/wavelet_fixtures.ts";
import { testDevice } from "../../support/device.ts";

const MODES: readonly BoundaryMode[] = ["symmetric", "periodization"];

function largest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  return Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i])), 0);
}

Deno.test("decompose() gives the coefficients of PyWavelets on the GPU", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const made = waveletFixtures.transforms.map(({ height, width, ...options }) => {
    const image = Float32Array.from(fixtureImage(height, width));
    return bandsOf(decompose(tensor(device, image, [1, height, width]), options));
  });
  const read = await readAll(made.flat());
  for (const { bands, ...fixture } of waveletFixtures.transforms) {
    for (const wanted of bands) {
      const found = read.shift()!;
      const label = JSON.stringify(fixture);
      assert.equal(found.length, wanted.shape[0] * wanted.shape[1], label);
      assert.ok(largest(everySeventh(found), wanted.every7th) < 2e-5, label);
    }
  }
});

Deno.test("reconstruct() undoes decompose() for every wavelet and mode, odd and even", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const trials = waveletNames.flatMap((wavelet) =>
    MODES.flatMap((mode) =>
      [[1, 1], [5, 8], [28, 28]].map(([height, width]) => ({ wavelet, mode, height, width }))
    )
  );
  const results = trials.map(({ height, width, ...options }) => {
    const x = Float32Array.from(fixtureImage(2 * height, width));
    const pyramid = decompose(tensor(device, x, [2, height, width]), { ...options, levels: 2 });
    return reconstruct(pyramid, { height, width }, options);
  });
  (await readAll(results)).forEach((found, i) => {
    const { height, width } = trials[i];
    assert.ok(largest(found, fixtureImage(2 * height, width)) < 2e-4, JSON.stringify(trials[i]));
  });
});

Deno.test("decompose() agrees with its float64 reference for random shapes", async () => {
  const device = await testDevice();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...waveletNames),
      fc.constantFrom(...MODES),
      fc.record({
        batch: fc.integer({ min: 1, max: 3 }),
        height: fc.integer({ min: 1, max: 40 }),
        width: fc.integer({ min: 1, max: 40 }),
      }),
      fc.integer({ min: 1, max: 3 }),
      async (wavelet, mode, shape, levels) => {
        using _scope = device.scope();
        const { batch, height, width } = shape;
        const x = fixtureImage(batch * height, width);
        const images = tensor(device, Float32Array.from(x), [batch, height, width]);
        const found = await readAll(bandsOf(decompose(images, { wavelet, mode, levels })));
        const bank = filterBank(wavelet);
        const wanted = bandsOf(referenceDecompose(x, shape, bank, mode, levels));
        // the spline filters of bior3.1 amplify: rounding is relative to the largest coefficient
        wanted.forEach((band, i) => {
          const scale = band.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
          assert.ok(largest(found[i], band) < 1e-4 * scale);
        });
      },
    ),
    { numRuns: 25 },
  );
});

Deno.test("decompose() refuses what is no stack of images", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  assert.throws(
    () => decompose(tensor(device, [1, 2, 3, 4], [2, 2]), { wavelet: "haar" }),
    /must be \[batch, height, width\].*current shape is \[2, 2\]/,
  );
});
