import { type Device, run, type Tensor, tensor } from "../../../gpu/mod.ts";
import {
  BEYOND_SLOT,
  binOfSlot,
  COUNT_SLOTS,
  histogramKernels,
  SMALL_SLOT,
} from "../../../kernels/mod.ts";
import type { Range } from "../affine.ts";
import type { AffineGridSpec } from "../grids/spec.ts";
import { type Histogram, histogramOf } from "./histogram.ts";
import { checkObserver } from "./observer_mistakes.ts";
import { type CountedObserverSpec, rangeOfHistogram } from "./range_of_histogram.ts";

/**
 * Makes counts that {@link countValues} adds to.
 *
 * @param device Where they live.
 * @returns Zeros, `u32 [131074]`: 1,024 bins an octave, for magnitudes from 2^-30 to 2^34 of both signs.
 */
export function emptyCounts(device: Device): Tensor {
  return tensor(device, new Uint32Array(COUNT_SLOTS));
}

/**
 * Counts the values of a tensor on the GPU, so that calibration reads counts and not activations.
 *
 * @param x Any shape.
 * @param counts From {@link emptyCounts}; added to. At most 2^32 - 1 values a bin.
 */
export function countValues(x: Tensor, counts: Tensor): void {
  run(histogramKernels.accumulate, { x, counts }, { size: x.size });
}

/**
 * Finds the range that a grid spans from counts.
 *
 * The same as `makeObserver` gives for the values themselves, to the width of bins: a 1024th of a
 * value, or a bin of the histogram that `makeObserver` keeps, whichever is wider.
 *
 * @param counts Read from {@link emptyCounts}, after all batches.
 * @param spec How the range is found.
 * @param options Layer's name, for errors, and the grid that the range is for.
 * @returns The range.
 * @throws {RangeError} If a number of the spec is out of range, nothing was counted, or something that is
 *   not finite or 2^34 or more, with the layer's name.
 */
export function rangeOfCounts(
  counts: Uint32Array,
  spec: CountedObserverSpec,
  { label, grid }: { readonly label: string; readonly grid: AffineGridSpec },
): Range {
  checkObserver(spec, grid.bits, label);
  if (counts.length !== COUNT_SLOTS) {
    throw new RangeError(
      `Cannot calibrate "${label}": there must be ${COUNT_SLOTS} counts: found ${counts.length}`,
    );
  }
  if (counts[BEYOND_SLOT] > 0) {
    throw new RangeError(
      `Cannot calibrate "${label}": every value must be finite and less than 2^34: ` +
        `${counts[BEYOND_SLOT]} are not`,
    );
  }
  if (counts.every((count) => count === 0)) {
    throw new RangeError(`Cannot calibrate "${label}": no value was counted`);
  }
  return rangeOfHistogram(linearHistogram(counts), spec, grid, label);
}

/** The same counts in bins of equal width; values stand in the middle of their bins. */
function linearHistogram(counts: Uint32Array): Histogram {
  const slots = [...counts.keys()].filter((slot) => slot < SMALL_SLOT && counts[slot] > 0);
  const bins = slots.map(binOfSlot);
  const values = bins.map(({ sign, least, end }) => sign * (least + end) / 2);
  const weights = slots.map((slot) => counts[slot]);
  if (counts[SMALL_SLOT] > 0) {
    values.push(0);
    weights.push(counts[SMALL_SLOT]);
  }
  return histogramOf(Float32Array.from(values), Float64Array.from(weights));
}
