import type { Range } from "../affine.ts";

/** The smallest and largest value seen: nothing is clipped. */
export interface MinMaxObserver {
  /** Its name. */
  readonly kind: "minMax";
}

/**
 * The exponential moving average of each batch's smallest and largest value.
 *
 * @see Jacob et al. 2018, arXiv:1712.05877, section 3.1
 */
export interface MovingAverageObserver {
  /** Its name. */
  readonly kind: "movingAverage";
  /** Share of the newest batch, more than 0 and at most 1; PyTorch takes 0.01. */
  readonly momentum: number;
}

/** The range that leaves out the same share of the values at either end. */
export interface PercentileObserver {
  /** Its name. */
  readonly kind: "percentile";
  /** Percent of the values that end below the upper end, and above the lower: more than 50, at most 100. */
  readonly percentile: number;
}

/**
 * The range whose grid is nearest to the values in the mean of squares: outliers are clipped.
 *
 * @see Nagel et al. 2021, arXiv:2106.08295, section 3.1
 */
export interface MeanSquaredErrorObserver {
  /** Its name. */
  readonly kind: "meanSquaredError";
}

/**
 * The range whose grid keeps most of the values' distribution: least Kullback-Leibler divergence.
 *
 * @see Migacz 2017, 8-bit Inference with TensorRT, GPU Technology Conference
 */
export interface EntropyObserver {
  /** Its name. */
  readonly kind: "entropy";
}

/** A range that is known beforehand. */
export interface FixedObserver {
  /** Its name. */
  readonly kind: "fixed";
  /** The range. */
  readonly range: Range;
}

/** How the range of values is found; frozen data, part of a trial. */
export type ObserverSpec =
  | MinMaxObserver
  | MovingAverageObserver
  | PercentileObserver
  | MeanSquaredErrorObserver
  | EntropyObserver
  | FixedObserver;

/** How the range of a weight is found: it comes in one piece, of which there is no moving average. */
export type WeightObserverSpec = Exclude<ObserverSpec, MovingAverageObserver>;

/** How the range of a weight on listed levels is found: entropy is for equal steps. */
export type ListedObserverSpec = Exclude<WeightObserverSpec, EntropyObserver>;
