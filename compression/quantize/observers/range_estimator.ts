import type { Range } from "../affine.ts";

/** Finds a range from values that come batch by batch. */
export interface RangeEstimator {
  /** Takes a batch of finite values. */
  take(batch: Float32Array): void;
  /** The range of what it took, at least one batch. */
  range(): Range;
}
