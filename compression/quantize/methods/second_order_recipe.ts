import type { Bits } from "../bits.ts";
import type { SecondOrderRecipe } from "./second_order.ts";

/** Bits from which equal steps do as well as listed levels, which weigh more. */
const ENOUGH_FOR_STEPS = 3;
/** Sweeps of coordinate descent where few codes must make the most of their levels. */
const SWEEPS = 20;

/**
 * Gives the settings of `quantizeBySecondOrder` that did best on FC_NN for their size.
 *
 * From 3 bits a grid of equal steps per output channel is enough (min-max, GPTQ with act-order, damping
 * 0.01). Below, levels are Lloyd-Max by the Hessian's diagonal, then fitted by coordinate descent.
 * `docs/quantization.md` has what they reach.
 *
 * @param bits Of a weight, 1 to 16.
 * @returns Plain data.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { secondOrderRecipe } from "@bitcliff/bitcliff";
 *
 * assert.deepEqual(secondOrderRecipe(2), {
 *   grids: { grid: { kind: "lloydMax", bits: 2 }, granularity: "channel" },
 *   sweeps: 20,
 * });
 * ```
 */
export function secondOrderRecipe(bits: Bits): SecondOrderRecipe {
  return bits >= ENOUGH_FOR_STEPS
    ? { grids: { grid: { kind: "affine", bits }, granularity: "channel" }, sweeps: 0 }
    : { grids: { grid: { kind: "lloydMax", bits }, granularity: "channel" }, sweeps: SWEEPS };
}
