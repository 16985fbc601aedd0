import { unknownName } from "../../formats/user_error.ts";
import { type BoundaryMode, filterBank } from "../../kernels/mod.ts";
import type { Layout } from "./layout.ts";

/** What happens to the coefficients: the small ones become 0, and soft also shrinks the others. */
export type ThresholdRule = "hard" | "soft";

/** Weights through a 2-D wavelet transform, small coefficients dropped: a stage of a codec. */
export interface WaveletThreshold {
  /** Tells it from other stages. */
  readonly kind: "wavelet_threshold";
  /** PyWavelets' name of the filters, such as `haar`, `db2` or `bior4.4`. */
  readonly wavelet: string;
  /** How often the approximation is transformed again. */
  readonly levels: number;
  /** What stands beyond the border of an image. */
  readonly mode: BoundaryMode;
  /** Which images the weights make. */
  readonly layout: Layout;
  /** What happens to the coefficients that are kept. */
  readonly threshold: ThresholdRule;
}

/** The smallest weights set to 0: a stage of a codec. */
export interface MagnitudePrune {
  /** Tells it from other stages. */
  readonly kind: "magnitude_prune";
}

/** What makes weights sparse, in one basis or another. */
export type SparsityStage = WaveletThreshold | MagnitudePrune;

/** What a {@link WaveletThreshold} is made from. */
export interface WaveletThresholdOptions {
  /** PyWavelets' name of the filters. */
  readonly wavelet: string;
  /** Which images the weights make. */
  readonly layout: Layout;
  /** 1 if left out. */
  readonly levels?: number;
  /** `periodization` if left out: as many coefficients as weights where the sides are even. */
  readonly mode?: BoundaryMode;
  /** `hard` if left out. */
  readonly threshold?: ThresholdRule;
}

const MODES: readonly BoundaryMode[] = ["periodization", "symmetric"];
const RULES: readonly ThresholdRule[] = ["hard", "soft"];

/**
 * Describes wavelet thresholding of a layer's weights.
 *
 * @param options Wavelet, layout, levels, boundary mode, rule.
 * @returns A frozen stage.
 * @throws {UserError} If the wavelet, mode or rule is unknown, with the nearest that is not.
 * @throws {RangeError} If `levels` is not a whole number of at least 1.
 *
 * @example The first layer of an MNIST network, every hidden unit an image
 * ```ts
 * import assert from "node:assert/strict";
 * import { imageLayout } from "./layout.ts";
 *
 * const stage = waveletThreshold({ wavelet: "haar", levels: 2, layout: imageLayout(28, 28) });
 * assert.equal(stage.mode, "periodization");
 * ```
 *
 * @see Donoho and Johnstone 1994, doi:10.1093/biomet/81.3.425
 */
export function waveletThreshold(options: WaveletThresholdOptions): WaveletThreshold {
  const { wavelet, layout, levels = 1, mode = "periodization", threshold = "hard" } = options;
  filterBank(wavelet);
  if (!MODES.includes(mode)) throw unknownName("boundary mode", mode, MODES);
  if (!RULES.includes(threshold)) throw unknownName("threshold rule", threshold, RULES);
  if (!Number.isInteger(levels) || levels < 1) {
    throw new RangeError(
      `Cannot transform weights: levels must be a whole number of at least 1: it is ${levels}`,
    );
  }
  return Object.freeze({ kind: "wavelet_threshold", wavelet, levels, mode, layout, threshold });
}

/**
 * Describes magnitude pruning of a layer's weights.
 *
 * @returns A frozen stage.
 *
 * @see Han et al. 2015, arXiv:1506.02626
 */
export function magnitudePrune(): MagnitudePrune {
  return Object.freeze({ kind: "magnitude_prune" });
}
