import type { Range } from "../affine.ts";

/** The smallest and largest value seen: nothing is clipped. */
export interface MinMaxObserver {
  /** Its name. */
  readonly kind: "minMax";
}

/** The range whose grid is nearest to the values in the mean of squares: outliers are clipped. */
export interface MeanSquaredErrorObserver {
  /** Its name. */
  readonly kind: "meanSquaredError";
}

/** A range that is known beforehand. */
export interface FixedObserver {
  /** Its name. */
  readonly kind: "fixed";
  /** The range. */
  readonly range: Range;
}

/** How the range of values is found; frozen data, part of a trial. */
export type ObserverSpec = MinMaxObserver | MeanSquaredErrorObserver | FixedObserver;

/** How the range of a weight is found. */
export type WeightObserverSpec = ObserverSpec;
