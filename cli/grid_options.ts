import type { WeightGridSpec } from "../compression/mod.ts";

/** Kinds of grids, with the options that each takes beside those of all. */
export const GRID_OPTIONS: Readonly<Record<WeightGridSpec["kind"], readonly string[]>> = {
  affine: ["bits", "symmetric", "narrow", "scale", "observer"],
  powersOfTwo: ["bits", "scale", "observer"],
  additivePowersOfTwo: ["bits", "scale", "observer"],
  lloydMax: ["bits"],
  ternary: [],
  binary: [],
};

/**
 * Tells a kind of grid from other words.
 *
 * @param word What was typed.
 * @returns True for the name of one.
 */
export function isGridKind(word: string): word is WeightGridSpec["kind"] {
  return Object.hasOwn(GRID_OPTIONS, word);
}
