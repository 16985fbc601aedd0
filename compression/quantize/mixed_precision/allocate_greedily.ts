import {
  allocationOf,
  type BitAllocation,
  checkBudget,
  checkChoices,
  type LayerChoices,
} from "./precision_choice.ts";

/** One layer moves to another choice, at a price. */
interface Move {
  readonly layer: number;
  readonly choice: number;
  /** Sensitivity taken away for each byte added. */
  readonly gain: number;
}

/** The moves that are within the bytes left and help, the best for each byte first. */
function bestMove(
  layers: readonly LayerChoices[],
  chosen: readonly number[],
  bytesLeft: number,
): Move | undefined {
  const moves = layers.flatMap(({ choices }, layer): Move[] => {
    const now = choices[chosen[layer]];
    return choices.flatMap((next, choice): Move[] => {
      const added = next.bytes - now.bytes;
      const helped = now.sensitivity - next.sensitivity;
      if (helped <= 0 || added > bytesLeft) return [];
      return [{ layer, choice, gain: added <= 0 ? Infinity : helped / added }];
    });
  });
  return moves.reduce<Move | undefined>(
    (best, move) => best === undefined || move.gain > best.gain ? move : best,
    undefined,
  );
}

/**
 * Allocates bits by what helps most for each byte, starting from the smallest choice of every layer.
 *
 * Quick, but far from the best where one layer holds most of the bytes: what small layers were given is not
 * taken back when the large one does not fit any more. {@link allocateExactly} finds the best.
 *
 * @param layers Layers and their choices.
 * @param budget Largest sum of bytes.
 * @returns An allocation within the budget.
 * @throws {RangeError} If a layer has no choice, numbers are not finite, or the budget is too small.
 */
export function allocateGreedily(layers: readonly LayerChoices[], budget: number): BitAllocation {
  checkChoices(layers);
  checkBudget(layers, budget);
  const chosen = layers.map(({ choices }) =>
    choices.reduce((least, { bytes, sensitivity }, i) => {
      const now = choices[least];
      return bytes < now.bytes || (bytes === now.bytes && sensitivity < now.sensitivity)
        ? i
        : least;
    }, 0)
  );
  for (;;) {
    const move = bestMove(layers, chosen, budget - allocationOf(layers, chosen).bytes);
    if (move === undefined) return allocationOf(layers, chosen);
    chosen[move.layer] = move.choice;
  }
}
