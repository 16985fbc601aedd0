import assert from "node:assert/strict";
import {
  imageLayout,
  matrixLayout,
  permutedLayout,
  waveletThreshold,
} from "../../../compression/mod.ts";
import { sparsityStage } from "../../../experiments/execute/sparsity_stage.ts";
import type { WaveletThresholdCompression } from "../../../experiments/trial.ts";
import { UserError } from "../../../formats/mod.ts";
import { fcNN } from "../../../models/mod.ts";

const color = fcNN({ inputShape: [3, 4, 6], hidden: [2], classes: 2 });
const compression: WaveletThresholdCompression = {
  kind: "wavelet_threshold",
  wavelet: "db2",
  levels: 1,
  mode: "symmetric",
  keep: 0.5,
  layout: "image",
  layers: "first",
  threshold: "soft",
};

Deno.test("sparsityStage() gives each layout, with channels below each other", () => {
  const layouts = {
    image: imageLayout(12, 6),
    permuted: permutedLayout(12, 6),
    matrix: matrixLayout(),
  };
  const { wavelet, levels, mode, threshold } = compression;
  for (const layout of ["image", "permuted", "matrix"] as const) {
    const stage = sparsityStage({ ...compression, layout }, color);
    const wanted = { wavelet, levels, mode, threshold, layout: layouts[layout] };
    assert.deepEqual(stage, waveletThreshold(wanted));
  }
});

Deno.test("sparsityStage() gives pruning the weights themselves", () => {
  const stage = sparsityStage({ kind: "magnitude_prune", keep: 0.1, layers: "all" }, color);
  assert.equal(stage.kind, "magnitude_prune");
});

Deno.test("sparsityStage() refuses an unknown wavelet, with a near match", () => {
  assert.throws(
    () => sparsityStage({ ...compression, wavelet: "db22" }, color),
    (error) =>
      error instanceof UserError && /"db22": .*: did you mean "db2"\?$/.test(error.message),
  );
});
