import type { Range } from "../affine.ts";
import type { AffineGridSpec } from "../grids/spec.ts";
import { fromHistogram } from "./histogram.ts";
import { minMax } from "./min_max.ts";
import { movingAverage } from "./moving_average.ts";
import { checkObserver } from "./observer_mistakes.ts";
import { rangeOfHistogram } from "./range_of_histogram.ts";
import type { RangeEstimator } from "./range_estimator.ts";
import type { ObserverSpec } from "./spec.ts";
import { watchChannels } from "./watch_channels.ts";

/** What an observer found. */
export interface Observation {
  /** The range. */
  readonly range: Range;
  /** Samples seen. */
  readonly samples: number;
  /** What a person should know about the data, one sentence each, with the layer's name. */
  readonly remarks: readonly string[];
}

/** Finds the range of an activation from batches of it. */
export interface Observer {
  /**
   * Takes a batch.
   *
   * @param values Row-major.
   * @param shape `[samples, channels, ...]` or `[samples]`.
   * @throws {RangeError} If a value is not finite, the shape does not fit the values, or samples have
   *   another shape than those of the first batch.
   */
  observe(values: Float32Array, shape: readonly number[]): void;
  /**
   * Says what was found so far.
   *
   * @returns The range, and remarks.
   * @throws {RangeError} If there were fewer samples than asked for, or none.
   */
  observed(): Observation;
}

/** What an observer needs to know beside its kind. */
export interface ObserverOptions {
  /** Name of the layer, for errors and remarks. */
  readonly label: string;
  /** The grid that the range is for. */
  readonly grid: AffineGridSpec;
  /** Samples that must be seen at least; 1 if left out. */
  readonly samples?: number;
}

function estimatorOf(spec: ObserverSpec, { grid, label }: ObserverOptions): RangeEstimator {
  switch (spec.kind) {
    case "minMax":
      return minMax();
    case "movingAverage":
      return movingAverage(spec.momentum);
    case "percentile":
    case "meanSquaredError":
    case "entropy":
      return fromHistogram((histogram) => rangeOfHistogram(histogram, spec, grid, label));
    case "fixed":
      return { take() {}, range: () => spec.range };
  }
}

/**
 * Makes an observer: from batches of a layer's input to the range that its grid spans.
 *
 * Percentile, mean squared error and entropy are found from a histogram with 2,048 to 4,096 bins on the
 * wider side of 0, the others exactly.
 *
 * @param spec How the range is found.
 * @param options Layer's name, the grid that the range is for and how many samples there must be.
 * @returns The observer.
 * @throws {RangeError} If a number of the spec is out of range, or its fixed range is none.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { makeObserver } from "@bitcliff/bitcliff";
 *
 * const observer = makeObserver({ kind: "minMax" }, {
 *   label: "fc1",
 *   grid: { kind: "affine", bits: 8 },
 * });
 * observer.observe(new Float32Array([0, 2, 0, 5]), [2, 2]);
 * observer.observe(new Float32Array([0, -1]), [1, 2]);
 * const { range, remarks } = observer.observed();
 * assert.deepEqual(range, { low: -1, high: 5 });
 * assert.deepEqual(remarks, ['"fc1": 1 of 2 channels never changed in 3 samples: channel 0 is 0']);
 * ```
 */
export function makeObserver(
  spec: ObserverSpec,
  options: ObserverOptions,
): Observer {
  const { label, samples: wanted = 1 } = options;
  checkObserver(spec, options.grid.bits, label);
  const estimator = estimatorOf(spec, options);
  const channels = watchChannels(label);
  let samples = 0;
  return {
    observe(values, shape) {
      if (values.length === 0 || shape.reduce((a, b) => a * b, 1) !== values.length) {
        throw new RangeError(
          `Cannot observe "${label}": ${values.length} values must fill shape [${
            shape.join(", ")
          }]`,
        );
      }
      const bad = values.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) {
        const sample = samples + Math.floor(bad * shape[0] / values.length);
        throw new RangeError(
          `Cannot observe "${label}": every value must be finite: sample ${sample} holds ${
            values[bad]
          }`,
        );
      }
      channels.take(values, shape);
      estimator.take(values);
      samples += shape[0];
    },
    observed() {
      if (samples < Math.max(wanted, 1)) {
        throw new RangeError(
          `Cannot calibrate "${label}": ${
            Math.max(wanted, 1)
          } samples were asked for: there were ` +
            `${samples}`,
        );
      }
      const { low, high } = estimator.range();
      // -0 and 0 are one number, but not in JSON
      return {
        range: { low: low + 0, high: high + 0 },
        samples,
        remarks: channels.remarks(samples),
      };
    },
  };
}
