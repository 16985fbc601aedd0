import { inputWeightMaxima, rescaleChannels, type ScalableLayer } from "./rescale_channels.ts";

/** When equalization has come to rest. */
export interface EqualizeOptions {
  /** Largest change of a scale that counts as none; 1e-4 if left out. */
  readonly tolerance?: number;
  /** Rounds over all pairs at most; 100 if left out. */
  readonly rounds?: number;
}

/** sqrt(r1 / r2); 1 where a channel is dead on either side. */
function scalesOf(first: ScalableLayer, second: ScalableLayer): Float64Array<ArrayBuffer> {
  const [channels] = first.shape;
  const inputs = first.weight.length / channels;
  const after = inputWeightMaxima(second, channels);
  return after.map((r2, c) => {
    const row = first.weight.subarray(c * inputs, (c + 1) * inputs);
    const r1 = row.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
    return r1 > 0 && r2 > 0 ? Math.sqrt(r1 / r2) : 1;
  });
}

/**
 * Makes the channels between layers use the same ranges in the weights before and after them, so that
 * one grid a tensor fits them all: cross-layer equalization.
 *
 *     s_c = sqrt(r1_c r2_c) / r2_c = sqrt(r1_c / r2_c),   W1' = W1 / s,   W2' = W2 s
 *
 * with r the largest magnitude of a channel's weights, so that both become sqrt(r1 r2). Needs no data.
 * Pairs that share a layer are visited in turn until no scale changes.
 *
 * @param layers By name, batch norms folded.
 * @param pairs Names of layers with nothing but ReLU and pooling between them; see
 *   `Model.homogeneousPairs`.
 * @param options When to stop.
 * @returns All layers, which compute the same but for rounding.
 * @throws {RangeError} If a pair does not fit.
 * @see Nagel et al. 2019, arXiv:1906.04721, section 4.1
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { equalizeLayers } from "@bitcliff/bitcliff";
 *
 * const layers = {
 *   fc1: { weight: new Float32Array([8, -4]), shape: [2, 1] },
 *   fc2: { weight: new Float32Array([2, 1]), shape: [1, 2] },
 * };
 * const { fc1, fc2 } = equalizeLayers(layers, [["fc1", "fc2"]]);
 * assert.deepEqual([...fc1.weight], [4, -2]);
 * assert.deepEqual([...fc2.weight], [4, 2]);
 * ```
 */
export function equalizeLayers<Name extends string>(
  layers: Readonly<Record<Name, ScalableLayer>>,
  pairs: readonly (readonly [first: Name, second: Name])[],
  { tolerance = 1e-4, rounds = 100 }: EqualizeOptions = {},
): Readonly<Record<Name, ScalableLayer>> {
  const found: Record<Name, ScalableLayer> = { ...layers };
  for (let round = 0; round < rounds; round++) {
    let change = 0;
    for (const [before, after] of pairs) {
      const scales = scalesOf(found[before], found[after]);
      change = scales.reduce((most, s) => Math.max(most, Math.abs(s - 1)), change);
      [found[before], found[after]] = rescaleChannels(found[before], found[after], scales);
    }
    if (change <= tolerance) break;
  }
  return found;
}
