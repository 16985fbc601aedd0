import type { AffineGrid } from "../affine.ts";
import { type Rescaling, rescaling } from "./requantization.ts";
import { withIntegers } from "./with_integers.ts";

/** What goes around layers, before it is in the unit of the accumulators that it is added to. */
export interface IntegerShortcutSource {
  /** The earlier layer whose input it is, such as `layer1.0.conv1`. */
  readonly from: string;
  /** Grid of that input: s_s, z_s. */
  readonly grid: AffineGrid;
  /** Channels of that input; channels that it lacks are put half on either side, and get nothing. */
  readonly channels: number;
}

/** A shortcut in integers: a + rescale(q_s - z_s, s_s / (s_x s_w)). */
export interface IntegerShortcut extends IntegerShortcutSource, Rescaling {}

/**
 * Gives the unit of a shortcut's codes, output by output.
 *
 * @param source Whose input it is, and on which grid.
 * @param outputs Channels of what it is added to.
 * @param layer Name of the layer that it is added to, for the error.
 * @returns `[outputs]`: s_s; 0 where nothing is added.
 * @throws {RangeError} If missing channels cannot stand half on either side.
 */
export function codeScalesOf(
  { grid, channels }: IntegerShortcutSource,
  outputs: number,
  layer: string,
): Float64Array {
  const pad = (outputs - channels) / 2;
  if (!Number.isInteger(pad) || pad < 0) {
    throw new RangeError(
      `Cannot ${withIntegers(layer)}: channels of zeros must stand half on either side of its ` +
        `shortcut: it goes from ${channels} to ${outputs} channels`,
    );
  }
  return new Float64Array(outputs).fill(grid.scale, pad, pad + channels);
}

/**
 * Chooses how the codes of a shortcut become units of accumulators, output by output.
 *
 * Outputs that get nothing have the multiplier 0: their accumulators may be as fine as they like.
 *
 * @param source Whose input it is, and on which grid.
 * @param accumulatorScales `[outputs]`: s_x s_w of the layer that it is added to.
 * @param layer Name of that layer, for the error.
 * @returns The shortcut.
 * @throws {RangeError} If missing channels cannot stand half on either side, or a multiplier is 2^30 or more.
 */
export function integerShortcut(
  source: IntegerShortcutSource,
  accumulatorScales: Float64Array,
  layer: string,
): IntegerShortcut {
  const codeScales = codeScalesOf(source, accumulatorScales.length, layer);
  return { ...source, ...rescaling(codeScales, accumulatorScales, layer) };
}
