import { loadImage } from "@napi-rs/canvas";
import assert from "node:assert/strict";
import { drawComparison } from "../../experiments/charts/draw_comparison.ts";
import type { NetworkComparison } from "../../experiments/inspect/compare_networks.ts";

const accuracy = { accuracy: 0.9, loss: 0.3, correct: 90 };

/** A comparison of layers whose weights differ by a ratio. */
function comparisonOf(layers: readonly string[], signalToNoise: number): NetworkComparison {
  const parts = ["input", "weight", "output"] as const;
  const tensors = layers.flatMap((layer) =>
    parts.map((part) => ({
      layer,
      part,
      signalToNoise,
      largest: 1,
      ...part === "output" ? {} : { clipped: 0.02 },
      channels: 8,
      deadA: 1,
      deadB: 2,
    }))
  );
  return { images: 100, tensors, a: accuracy, b: accuracy, changed: 0, lost: 0, gained: 0 };
}

const words = { title: "A title", caption: "A caption." };
const few = ["fc1", "fc2", "fc3"];
const many = Array.from({ length: 20 }, (_, i) => `layer${i}.0.conv1`);

Deno.test("drawComparison() sets panels side by side, or below each other for many layers", async () => {
  const [wide, tall] = await Promise.all(
    [few, many].map((layers) => loadImage(drawComparison(comparisonOf(layers, 20), words))),
  );
  assert.equal(wide.width, 2560);
  assert.equal(tall.width, 2560);
  assert.ok(tall.height > wide.height + 600, `${tall.height} ${wide.height}`);
});

Deno.test("drawComparison() gives the same bytes for the same numbers, and others for others", () => {
  const png = drawComparison(comparisonOf(few, 20), words);
  assert.deepEqual(drawComparison(comparisonOf(few, 20), words), png);
  assert.notDeepEqual(drawComparison(comparisonOf(few, 30), words), png);
  assert.notDeepEqual(drawComparison(comparisonOf(few, 20), { ...words, title: "B" }), png);
});

Deno.test("drawComparison() draws equal networks, negative ratios and a single layer", () => {
  for (const ratio of [Infinity, NaN, -12, 0]) {
    for (const layers of [few, ["fc"]]) {
      assert.ok(drawComparison(comparisonOf(layers, ratio), words).length > 10_000);
    }
  }
});
