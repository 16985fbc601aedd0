import type { Device } from "../../gpu/mod.ts";
import type { HostParameters } from "../../models/mod.ts";
import {
  OCTIZATION_OPTIMIZERS,
  type OctizationArm,
  quantizationOf,
} from "../definitions/octization_recipe.ts";
import { onLevels, weightMetrics } from "../execute/level_weights.ts";
import { mean } from "../statistics.ts";
import { type LoggedStep, meanStretches } from "../step_log.ts";
import {
  excessError,
  type FittedRegression,
  REGRESSION_MODEL,
  trainRegression,
} from "./train_regression.ts";

/** What one arm measures on one seed. */
export interface RegressionMeasure {
  /** Of initial weights, true weights and noise. */
  readonly seed: number;
  /** E (w_hat x + b - w x)^2. */
  readonly excessError: number;
  /** Mean share of the updates that rounding undid, where weights were rounded while training. */
  readonly updatesLost?: number;
  /** Share of the weights that are 0. */
  readonly zeroWeights: number;
  /** Euclidean norm of the weights. */
  readonly weightNorm: number;
}

/** An arm with all its seeds. */
export interface RegressionRow {
  /** How its weights were trained and rounded. */
  readonly arm: OctizationArm;
  /** In order of seeds. */
  readonly measures: readonly RegressionMeasure[];
  /** Means over seeds and stretches of the training, where weights were rounded while training. */
  readonly steps?: readonly LoggedStep[];
}

function measure(
  parameters: HostParameters,
  seed: number,
  steps?: readonly LoggedStep[],
): RegressionMeasure {
  return {
    seed,
    excessError: excessError(parameters, seed),
    ...steps && { updatesLost: mean(steps.map(({ updatesLost }) => updatesLost)) },
    ...weightMetrics(REGRESSION_MODEL, parameters),
  };
}

/**
 * Fits a toy linear regression in every arm of the octization factorial, all seeds of an arm at once.
 *
 * @param device Where.
 * @param arms The arms; float32 and post-training arms of one optimizer share a training.
 * @param seeds The same in every arm.
 * @param signal Stops it between two arms.
 * @param onRow Told of every arm as it ends.
 * @returns One row an arm, in the same order.
 */
export async function screenRegression(
  device: Device,
  arms: readonly OctizationArm[],
  seeds: readonly number[],
  signal: AbortSignal,
  onRow: (row: RegressionRow, done: number) => void = () => {},
): Promise<RegressionRow[]> {
  const float32 = new Map<string, FittedRegression[]>();
  const rows: RegressionRow[] = [];
  for (const arm of arms) {
    signal.throwIfAborted();
    const quantization = quantizationOf(arm);
    const known = quantization === undefined ? float32.get(arm.optimizer) : undefined;
    const optimizer = OCTIZATION_OPTIMIZERS[arm.optimizer];
    const fits = known ?? await trainRegression(device, optimizer, quantization, seeds);
    if (quantization === undefined) float32.set(arm.optimizer, fits);
    const measures = fits.map(({ parameters, steps }, p) =>
      arm.master === "post_training"
        ? measure(onLevels(REGRESSION_MODEL, parameters, arm, seeds[p]), seeds[p])
        : measure(parameters, seeds[p], steps)
    );
    const logs = fits.flatMap(({ steps }) => steps === undefined ? [] : [steps]);
    rows.push({ arm, measures, ...logs.length > 0 && { steps: meanStretches(logs) } });
    onRow(rows.at(-1)!, rows.length);
  }
  return rows;
}
