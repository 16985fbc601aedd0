/** What a trial measures, all on the test set unless it says otherwise. */
export interface Metrics {
  /** Share of the images that are classified right, in [0, 1]. */
  readonly testAccuracy: number;
  /** Mean negative log-likelihood of the right class, in nats. */
  readonly testLoss: number;
  /** How many of the classes the network ever predicts. */
  readonly predictedClasses: number;
  /**
   * Bytes that codes and grids of all weights take, packed without gaps, where they are counted; biases
   * and headers are not in them.
   */
  readonly bytes?: number;
  /**
   * Of the weights that the optimizer moved, the share that rounded to what they would have without the
   * move, mean over all steps, where weights are rounded while they are trained.
   */
  readonly updatesLost?: number;
  /** Share of the weights (not biases) that are 0, where they are on a grid around 0. */
  readonly zeroWeights?: number;
  /** Euclidean norm of the weights (not biases), where they are on a grid around 0. */
  readonly weightNorm?: number;
}

/** Name of something that a trial measures. */
export type MetricName = keyof Metrics;

/** How a metric is shown to a person. */
export interface MetricDisplay {
  readonly label: string;
  /** Unit after scaling, such as `%`; empty if it has none. */
  readonly unit: string;
  /** Unit of a difference of two values, such as `points`. */
  readonly differenceUnit: string;
  /** What a stored value is multiplied by. */
  readonly scale: number;
  /** Digits after the decimal point. */
  readonly digits: number;
}

/** How each metric is shown. */
export const METRIC_DISPLAY: Readonly<Record<MetricName, MetricDisplay>> = {
  testAccuracy: {
    label: "test accuracy",
    unit: "%",
    differenceUnit: "points",
    scale: 100,
    digits: 2,
  },
  testLoss: { label: "test loss", unit: "nats", differenceUnit: "nats", scale: 1, digits: 4 },
  predictedClasses: {
    label: "predicted classes",
    unit: "",
    differenceUnit: "",
    scale: 1,
    digits: 0,
  },
  bytes: {
    label: "size of the weights",
    unit: "bytes",
    differenceUnit: "bytes",
    scale: 1,
    digits: 0,
  },
  updatesLost: {
    label: "updates lost to rounding",
    unit: "%",
    differenceUnit: "points",
    scale: 100,
    digits: 2,
  },
  zeroWeights: {
    label: "weights that are 0",
    unit: "%",
    differenceUnit: "points",
    scale: 100,
    digits: 2,
  },
  weightNorm: { label: "norm of the weights", unit: "", differenceUnit: "", scale: 1, digits: 3 },
};

/** A network that predicts at most this many classes has collapsed. */
export const COLLAPSED_CLASSES = 2;

/**
 * Tells a network that has stopped classifying from one that classifies badly.
 *
 * @param metrics What was measured.
 * @returns True if it predicts at most two classes.
 */
export function isCollapsed(metrics: Pick<Metrics, "predictedClasses">): boolean {
  return metrics.predictedClasses <= COLLAPSED_CLASSES;
}

/**
 * Finds the first metric that is not a finite number.
 *
 * @param metrics What was measured.
 * @returns Its name, or `undefined` if all are finite.
 */
export function firstNonFinite(metrics: Metrics): string | undefined {
  return Object.entries(metrics).find(([, value]) => value !== undefined && !Number.isFinite(value))
    ?.[0];
}
