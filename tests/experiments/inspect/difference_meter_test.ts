import assert from "node:assert/strict";
import { compareWeights } from "../../../experiments/inspect/compare_weights.ts";
import { differenceMeter } from "../../../experiments/inspect/difference_meter.ts";
import { tensor } from "../../../gpu/mod.ts";
import { randomSource, standardNormal } from "../../../kernels/mod.ts";
import { testDevice } from "../../support/device.ts";

const CHANNELS = 5;

/** Rows with one channel that is 0 in b only, and noise of a hundredth. */
function rowsOf(rows: number, plane: number, seed: number): { a: Float32Array; b: Float32Array } {
  const random = randomSource(seed);
  const length = rows * CHANNELS * plane;
  const a = Float32Array.from({ length }, () => standardNormal(random));
  const b = a.map((value, i) =>
    Math.floor(i / plane) % CHANNELS === 3 ? 0 : value + 0.01 * standardNormal(random)
  );
  return { a, b };
}

/** The channels of all batches one after the other, as weights stand. */
function byChannel(batches: readonly Float32Array[], plane: number): Float32Array<ArrayBuffer> {
  const of = (channel: number) =>
    batches.flatMap((batch) =>
      Array.from(batch).filter((_, i) => Math.floor(i / plane) % CHANNELS === channel)
    );
  return Float32Array.from(Array.from({ length: CHANNELS }, (_, c) => of(c)).flat());
}

for (const [plane, axes] of [[1, []], [9, [3, 3]], [16, [4, 4]]] as const) {
  Deno.test(`differenceMeter() gives what the host computes over batches: planes of ${plane}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const meter = differenceMeter();
    // the last batch is shorter than its slots
    const batches = [40, 40, 3].map((rows, i) => ({ rows, ...rowsOf(rows, plane, i + 1) }));
    for (const { rows, a, b } of batches) {
      using batch = device.scope();
      const upload = (values: Float32Array) =>
        tensor(device, Float32Array.from(values), [1, rows, CHANNELS, ...axes]);
      meter.compare(batch, "place", upload(a), upload(b));
      meter.clip(batch, "place", upload(a), { low: -1, high: 1.5 });
      meter.compare(batch, "same", upload(a), upload(a));
    }
    const found = await meter.read();
    assert.deepEqual([...found.keys()], ["place", "same"]);
    const [a, b] = (["a", "b"] as const).map((name) =>
      byChannel(batches.map((batch) => batch[name]), plane)
    );
    const reaches = [{ low: -1, high: 1.5 }];
    const wanted = compareWeights(a, b, CHANNELS, reaches);
    const { signalToNoise, largest, ...counts } = found.get("place")!;
    assert.ok(Math.abs(signalToNoise - wanted.signalToNoise) < 1e-5, `${signalToNoise} dB`);
    assert.ok(Math.abs(largest - wanted.largest) < 1e-6, `${largest}`);
    const { clipped, channels, deadA, deadB } = wanted;
    assert.deepEqual(counts, { clipped, channels, deadA, deadB });
    assert.deepEqual([deadA, deadB], [0, 1]);
    assert.deepEqual(found.get("same"), {
      signalToNoise: Infinity,
      largest: 0,
      channels: CHANNELS,
      deadA: 0,
      deadB: 0,
    });
  });
}
