import { randomInteger, randomSource } from "../kernels/mod.ts";
import type { ModelSpec } from "../models/mod.ts";
import type { AxisValue } from "./define.ts";
import { expandGrid } from "./grid_points.ts";
import type { Trial } from "./trial.ts";

/** One way to train, by the name of each hyper-parameter. */
export type Configuration = Readonly<Record<string, number>>;

/** Values on a logarithmic scale: drawn anywhere in it, or evenly spaced from end to end on a grid. */
export interface LogRange {
  /** Tells it from a choice. */
  readonly kind: "log_range";
  /** The smallest. */
  readonly low: number;
  /** The largest. */
  readonly high: number;
  /** How many of them a grid has, at least 2. */
  readonly gridPoints: number;
}

/** Where the values of a hyper-parameter come from: a range, or a few of them. */
export type Draw = LogRange | { readonly kind: "choice"; readonly values: readonly number[] };

/** What the first rung tries: configurations drawn at random, or all of a grid. */
export type Candidates =
  | { readonly kind: "random"; readonly count: number }
  | { readonly kind: "grid" };

/** A hyper-parameter: where it is drawn from and how it is shown. */
export interface Dimension {
  /** Where its values come from. */
  readonly draw: Draw;
  /** Title of its axis. */
  readonly label: string;
}

/** A search for hyper-parameters by successive halving, as frozen data. */
export interface Search {
  /** In snake_case; also the name of its folder of results. */
  readonly name: string;
  /** What is to be found out. */
  readonly question: string;
  /** How it is searched, in sentences, for the report. */
  readonly method: readonly string[];
  /** What is searched, by name. */
  readonly space: Readonly<Record<string, Dimension>>;
  /** Configurations of the first rung. */
  readonly candidates: Candidates;
  /** One in so many goes on to the next rung, trained so many times as long. */
  readonly reduction: number;
  /** Epochs of the last rung. */
  readonly epochs: number;
  /** Of the draws, and of every training. */
  readonly seed: number;
  /** Kinds of model whose widths can be searched. */
  readonly models: readonly ModelSpec["kind"][];
  /** How a configuration is trained and judged, on images held out: a pure function. */
  readonly trial: (configuration: Configuration, epochs: number, seed: number) => Trial;
}

/** A step of successive halving. */
export interface Rung {
  /** How many configurations are trained. */
  readonly count: number;
  /** For how many epochs. */
  readonly epochs: number;
}

/** The value at a share of a range. */
function valueAt(range: LogRange, share: number): number {
  const [low, high] = [Math.log(range.low), Math.log(range.high)];
  // three digits: a report can be typed back
  return Number(Math.exp(low + (high - low) * share).toPrecision(3));
}

function drawValue(draw: Draw, random: () => number): number {
  if (draw.kind === "choice") return draw.values[randomInteger(random, 0, draw.values.length - 1)];
  return valueAt(draw, random());
}

function gridValues(draw: Draw): readonly number[] {
  if (draw.kind === "choice") return draw.values;
  const { gridPoints } = draw;
  return Array.from({ length: gridPoints }, (_, i) => valueAt(draw, i / (gridPoints - 1)));
}

/**
 * Lists the configurations of the first rung. At random, every hyper-parameter that matters gets as
 * many different values as there are configurations; a grid gives each a few, in all combinations,
 * and its neighbors differ in one alone.
 *
 * @param search What is searched.
 * @returns The configurations; the same for the same search. Fewer that are drawn are the first of
 *   more; on a grid the last hyper-parameter changes fastest.
 * @see Bergstra and Bengio 2012, Random search for hyper-parameter optimization, JMLR 13
 */
export function listConfigurations({ space, candidates, seed }: Search): Configuration[] {
  if (candidates.kind === "grid") {
    return expandGrid(
      Object.fromEntries(Object.entries(space).map(([name, { draw }]) => [name, gridValues(draw)])),
    );
  }
  return Array.from({ length: candidates.count }, (_, i) => {
    const random = randomSource(seed, i);
    return Object.fromEntries(
      Object.entries(space).map(([name, { draw }]) => [name, drawValue(draw, random)]),
    );
  });
}

/**
 * Plans successive halving: n configurations are trained shortly, the best one in eta goes on, for
 * eta times as long, until the last rung has all its epochs.
 *
 *     count_k = floor(n / eta^k),   epochs_k = max(1, round(epochs / eta^(K - k))),   k = 0 .. K
 *
 * with the largest K that leaves a configuration and an epoch.
 *
 * @param search What is searched.
 * @returns The rungs, shortest training first.
 * @see Jamieson and Talwalkar 2016, arXiv:1502.07943; Li et al. 2018, arXiv:1603.06560
 */
export function planRungs(search: Search): Rung[] {
  const { reduction, epochs } = search;
  const configurations = listConfigurations(search).length;
  // a hair of tolerance: log(27) / log(3) is 3.0000000000000004 or 2.9999999999999996
  const last = Math.floor(
    Math.log(Math.min(configurations, epochs)) / Math.log(reduction) + 1e-9,
  );
  return Array.from({ length: last + 1 }, (_, k) => ({
    count: Math.floor(configurations / reduction ** k + 1e-9),
    epochs: Math.max(1, Math.round(epochs / reduction ** (last - k))),
  }));
}

/**
 * Shows a value of a hyper-parameter.
 *
 * @param value The value.
 * @returns With three digits.
 */
export function showHyperparameter(value: AxisValue): string {
  return String(Number(Number(value).toPrecision(3)));
}
