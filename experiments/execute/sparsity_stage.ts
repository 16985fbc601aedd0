import {
  imageLayout,
  type Layout,
  magnitudePrune,
  matrixLayout,
  permutedLayout,
  type SparsityStage,
  waveletThreshold,
} from "../../compression/mod.ts";
import type { Model } from "../../models/mod.ts";
import type { MagnitudePruneCompression, WaveletThresholdCompression } from "../trial.ts";

function layoutOf(kind: WaveletThresholdCompression["layout"], model: Model): Layout {
  const [channels, height, width] = model.inputShape;
  switch (kind) {
    case "matrix":
      return matrixLayout();
    case "image":
      return imageLayout(channels * height, width);
    case "permuted":
      return permutedLayout(channels * height, width);
  }
}

/**
 * Finds the codec stage that a trial asks for.
 *
 * @param compression What the trial says.
 * @param model Whose input shape gives the image layouts; channels stand below each other.
 * @returns The stage.
 * @throws {UserError} If the wavelet is unknown.
 */
export function sparsityStage(
  compression: WaveletThresholdCompression | MagnitudePruneCompression,
  model: Model,
): SparsityStage {
  if (compression.kind === "magnitude_prune") return magnitudePrune();
  const { wavelet, levels, mode, threshold, layout } = compression;
  return waveletThreshold({ wavelet, levels, mode, threshold, layout: layoutOf(layout, model) });
}
