import assert from "node:assert/strict";
import {
  type CountedObserverSpec,
  countValues,
  emptyCounts,
  makeObserver,
  rangeOfCounts,
} from "../../../../compression/mod.ts";
import { read, tensor } from "../../../../gpu/mod.ts";
import { randomSource, standardNormal } from "../../../../kernels/mod.ts";
import { testDevice } from "../../../support/device.ts";

const OPTIONS = { label: "fc1", grid: { kind: "affine", bits: 4 } } as const;

function drawBatches(isRectified: boolean): Float32Array<ArrayBuffer>[] {
  const random = randomSource(9);
  return [500, 37, 1200].map((size) =>
    Float32Array.from({ length: size }, () => {
      const x = standardNormal(random) * (random() < 0.02 ? 8 : 1);
      return isRectified ? Math.max(x, 0) : x;
    })
  );
}

Deno.test("rangeOfCounts() of all batches on the GPU is what an observer on the host finds", async () => {
  const device = await testDevice();
  const specs: CountedObserverSpec[] = [
    { kind: "percentile", percentile: 99 },
    { kind: "percentile", percentile: 100 },
    { kind: "meanSquaredError" },
    { kind: "entropy" },
  ];
  for (const isRectified of [false, true]) {
    using _scope = device.scope();
    const batches = drawBatches(isRectified);
    const counts = emptyCounts(device);
    for (const batch of batches) countValues(tensor(device, batch), counts);
    const counted = await read(counts) as Uint32Array;
    assert.equal(counted.reduce((a, b) => a + b, 0), 1737);
    const most = Math.max(...batches.map((batch) => Math.max(...batch.map(Math.abs))));
    for (const spec of specs) {
      const observer = makeObserver(spec, OPTIONS);
      for (const batch of batches) observer.observe(batch, [batch.length]);
      const wanted = observer.observed().range;
      const found = rangeOfCounts(counted, spec, OPTIONS);
      // bins of an octave on one side, equal bins on the other: a 100th of the widest covers both
      for (const end of ["low", "high"] as const) {
        const error = Math.abs(found[end] - wanted[end]);
        assert.ok(error <= most / 100, `${spec.kind} ${end}: ${found[end]}, ${wanted[end]}`);
      }
      if (isRectified) assert.ok(found.low === 0);
    }
  }
});

Deno.test("rangeOfCounts() refuses counts of nothing, and of what is not finite, with the layer's name", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const counts = emptyCounts(device);
  const spec = { kind: "entropy" } as const;
  const empty = await read(counts) as Uint32Array;
  assert.throws(
    () => rangeOfCounts(empty, spec, OPTIONS),
    new RangeError('Cannot calibrate "fc1": no value was counted'),
  );
  countValues(tensor(device, [1, NaN, -Infinity, 2 ** 34]), counts);
  const bad = await read(counts) as Uint32Array;
  assert.throws(
    () => rangeOfCounts(bad, spec, OPTIONS),
    new RangeError(
      'Cannot calibrate "fc1": every value must be finite and less than 2^34: 3 are not',
    ),
  );
  assert.throws(
    () => rangeOfCounts(new Uint32Array(5), spec, OPTIONS),
    /there must be 131074 counts: found 5/,
  );
});
