/** What validation accuracies say about going on. */
export interface EarlyStopping {
  /** Index of the best accuracy, the first of several; -1 if there is none yet. */
  readonly best: number;
  /** True if nothing has become better for too long. */
  readonly shouldStop: boolean;
}

/**
 * Tells when to stop training: when the validation accuracy has not risen above its best for a number of
 * epochs.
 *
 * @param accuracies Of every epoch so far, in order.
 * @param patience Epochs to wait for a better one, at least 1.
 * @returns Which epoch was the best, and whether to stop after the last one.
 * @throws {RangeError} If the patience is not a whole number of at least 1.
 * @see Prechelt 1998, Early Stopping, but When?, doi:10.1007/3-540-49430-8_3
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { earlyStopping } from "./early_stopping.ts";
 *
 * assert.deepEqual(earlyStopping([0.5, 0.9, 0.8], 2), { best: 1, shouldStop: false });
 * assert.deepEqual(earlyStopping([0.5, 0.9, 0.8, 0.9], 2), { best: 1, shouldStop: true });
 * ```
 */
export function earlyStopping(accuracies: readonly number[], patience: number): EarlyStopping {
  if (!Number.isInteger(patience) || patience < 1) {
    throw new RangeError(
      `Cannot stop early: the patience must be a whole number from 1: ${patience}`,
    );
  }
  const best = accuracies.indexOf(Math.max(...accuracies));
  return { best, shouldStop: best >= 0 && accuracies.length - 1 - best >= patience };
}
