import type { ListedObserverSpec, WeightObserverSpec } from "../observers/spec.ts";
import type {
  AdditivePowersOfTwoGridSpec,
  AffineGridSpec,
  BinaryGridSpec,
  Granularity,
  LloydMaxGridSpec,
  PowersOfTwoGridSpec,
  TernaryGridSpec,
} from "./spec.ts";

/** How grids of equal steps are chosen. */
export interface AffineGridOptions {
  /** The kind of grid. */
  readonly grid: AffineGridSpec;
  /** Which weights share one. */
  readonly granularity: Granularity;
  /** How the range that a grid spans is found; the smallest and largest value if left out. */
  readonly observer?: WeightObserverSpec;
  /** Name of the weight, for errors. */
  readonly label?: string;
}

/** How grids of powers of two and their sums are chosen. */
export interface PowersOfTwoGridOptions {
  /** The kind of grid. */
  readonly grid: PowersOfTwoGridSpec | AdditivePowersOfTwoGridSpec;
  /** Which weights share one. */
  readonly granularity: Granularity;
  /** How the range that a grid spans is found; the smallest and largest value if left out. */
  readonly observer?: ListedObserverSpec;
  /** Name of the weight, for errors. */
  readonly label?: string;
}

/** How grids of two or three levels are chosen, which find their scale themselves. */
export interface FewLevelsGridOptions {
  /** The kind of grid. */
  readonly grid: TernaryGridSpec | BinaryGridSpec;
  /** Which weights share one. */
  readonly granularity: Granularity;
  /** Nothing to observe. */
  readonly observer?: undefined;
  /** Name of the weight, for errors. */
  readonly label?: string;
}

/** How grids of optimal levels are chosen. */
export interface LloydMaxGridOptions {
  /** The kind of grid. */
  readonly grid: LloydMaxGridSpec;
  /** Whole channels at least: a table of levels is too much for a group. */
  readonly granularity: Exclude<Granularity, object>;
  /** Nothing to observe. */
  readonly observer?: undefined;
  /** Name of the weight, for errors. */
  readonly label?: string;
}

/** How the grids of one weight are chosen; frozen data, part of a trial. */
export type WeightGridOptions =
  | AffineGridOptions
  | PowersOfTwoGridOptions
  | FewLevelsGridOptions
  | LloydMaxGridOptions;
