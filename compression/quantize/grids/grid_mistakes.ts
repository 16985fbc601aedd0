import { BITS, isBits } from "../bits.ts";
import { ofLabel } from "../of_label.ts";
import { observerMistakes } from "../observers/observer_mistakes.ts";
import type { ObserverSpec } from "../observers/spec.ts";
import { codeBits, type Granularity, isSpanning, type WeightGridSpec } from "./spec.ts";

/** The options of grids without what ties them together: what a file may say. */
export interface AnyGridOptions {
  /** The kind of grid. */
  readonly grid: WeightGridSpec;
  /** Which weights share one. */
  readonly granularity: Granularity;
  /** How the range that a grid spans is found. */
  readonly observer?: ObserverSpec;
  /** Name of the weight, for errors. */
  readonly label?: string;
}

/** Bits that a kind of grid may have. */
function bitsRange(kind: "affine" | "powersOfTwo" | "additivePowersOfTwo" | "lloydMax") {
  switch (kind) {
    case "affine":
    case "lloydMax":
      return BITS;
    case "powersOfTwo":
      return { least: 2, most: 8 };
    case "additivePowersOfTwo":
      return { least: 2, most: BITS.most };
  }
}

/**
 * Lists what is wrong with a kind of grid, as the types say it where a program is compiled.
 *
 * @param grid The kind of grid.
 * @returns What must be how, and what it is; empty if all is well.
 */
export function gridSpecMistakes(grid: WeightGridSpec): string[] {
  if (grid.kind === "ternary" || grid.kind === "binary") return [];
  const { least, most } = bitsRange(grid.kind);
  // types say so too, but a trial may be read from a file
  const { bits, symmetric, narrow } = grid as {
    readonly bits: number;
    readonly symmetric?: boolean;
    readonly narrow?: boolean;
  };
  if (!isBits(bits) || bits < least || bits > most) {
    return [
      `bits of ${grid.kind} grids must be a whole number from ${least} to ${most}: ${bits}`,
    ];
  }
  if (grid.kind !== "affine") return [];
  return [
    ...symmetric && bits === 1
      ? ["a symmetric grid needs 2 bits or more, as its zero point would be 0.5: 1"]
      : [],
    ...narrow && !symmetric ? ["a narrow grid must be symmetric: it is not"] : [],
  ];
}

/**
 * Refuses a kind of grid that does not exist.
 *
 * @param grid The kind of grid.
 * @param label Whose grid it is, for the error.
 * @throws {RangeError} If something is wrong, with the first of {@link gridSpecMistakes}.
 */
export function checkGridSpec(grid: WeightGridSpec, label?: string): void {
  const [mistake] = gridSpecMistakes(grid);
  if (mistake !== undefined) {
    throw new RangeError(`Cannot make a grid${ofLabel(label)}: ${mistake}`);
  }
}

/**
 * Lists what is wrong with a granularity before any weight is known.
 *
 * @param granularity Which weights share a grid.
 * @returns What must be how, and what it is; empty if all is well.
 */
export function granularityMistakes(granularity: Granularity): string[] {
  if (granularity === "tensor" || granularity === "channel") return [];
  const { group } = granularity;
  if (Number.isInteger(group) && group >= 1) return [];
  return [`a group of weights must be a whole number from 1: ${group}`];
}

/**
 * Lists what does not go together in the options of grids.
 *
 * @param options Kind of grid, granularity and observer.
 * @returns Reasons; empty if all goes together.
 */
export function combinationMistakes({ grid, granularity, observer }: AnyGridOptions): string[] {
  const mistakes: string[] = [];
  const { kind } = grid;
  if (!isSpanning(grid) && observer !== undefined) {
    mistakes.push(`they fit their levels themselves: a ${observer.kind} observer was given`);
  }
  if (kind === "lloydMax" && typeof granularity === "object") {
    mistakes.push(
      "a table of levels is for a tensor or a channel: groups of " +
        `${granularity.group} were asked for`,
    );
  }
  if (observer?.kind === "movingAverage") {
    mistakes.push("a weight is a single batch: a movingAverage observer was given");
  }
  if (observer?.kind === "entropy" && kind !== "affine") {
    mistakes.push("entropy is for equal steps: an entropy observer was given");
  }
  return mistakes;
}

/**
 * Lists what is wrong with the options of grids before there are weights to choose them for.
 *
 * Whether a group divides a row is known once there is a shape; see `groupSizeOf`.
 *
 * @param options Kind of grid, granularity and observer of weights.
 * @returns What must be how, and what it is; empty if all is well.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { gridMistakes } from "@bitcliff/bitcliff";
 *
 * const read = '{"grid":{"kind":"affine","bits":1,"symmetric":true},"granularity":"channel"}';
 * assert.deepEqual(gridMistakes(JSON.parse(read)), [
 *   "a symmetric grid needs 2 bits or more, as its zero point would be 0.5: 1",
 * ]);
 * ```
 */
export function gridMistakes(options: AnyGridOptions): string[] {
  const { grid, granularity, observer } = options;
  return [
    ...gridSpecMistakes(grid),
    ...granularityMistakes(granularity),
    ...combinationMistakes(options).map((reason) => `${grid.kind} grids: ${reason}`),
    ...observer === undefined ? [] : observerMistakes(observer, codeBits(grid)),
  ];
}
