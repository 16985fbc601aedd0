import { paretoFront } from "./pareto_front.ts";
import {
  allocationOf,
  type BitAllocation,
  checkBudget,
  checkChoices,
  type LayerChoices,
} from "./precision_choice.ts";

/** Choices for the first layers, as a chain from the last of them. */
interface PartialAllocation {
  readonly bytes: number;
  readonly sensitivity: number;
  readonly choice: number;
  readonly before?: PartialAllocation;
}

/** Partial allocations that may be kept at once. */
const MOST_PARTIALS = 2 ** 20;

function chosenBy(last: PartialAllocation, layers: number): number[] {
  const chosen: number[] = new Array(layers);
  let partial: PartialAllocation | undefined = last;
  for (let i = layers - 1; i >= 0; i--) {
    chosen[i] = partial!.choice;
    partial = partial!.before;
  }
  return chosen;
}

/**
 * Finds all allocations within a budget that no other one is better than: the multiple-choice knapsack
 * problem, exactly, for every budget at once.
 *
 * Dynamic programming over the layers: of the ways to choose for the first k layers only those stay that
 * are not dominated in bytes and sensitivity, since a dominated one can be replaced in any whole
 * allocation.
 * There are at most as many as there are different sums of bytes.
 *
 * @param layers Layers and their choices.
 * @param budget Largest sum of bytes; no limit if left out.
 * @returns Allocations by rising bytes and falling sensitivity.
 * @throws {RangeError} If a layer has no choice, numbers are not finite, the budget is too small, or
 *   there are more than 2^20 partial allocations.
 * @see Kellerer, Pferschy and Pisinger 2004, Knapsack Problems, doi:10.1007/978-3-540-24777-7, chapter 11
 */
export function allocationFront(
  layers: readonly LayerChoices[],
  budget: number = Infinity,
): BitAllocation[] {
  checkChoices(layers);
  checkBudget(layers, budget);
  const least = layers.map(({ choices }) => Math.min(...choices.map(({ bytes }) => bytes)));
  const leastAfter = layers.map((_, i) => least.slice(i + 1).reduce((a, b) => a + b, 0));
  let front: (PartialAllocation | undefined)[] = [undefined];
  layers.forEach(({ layer, choices }, i) => {
    const longer = front.flatMap((before) =>
      choices.map(({ bytes, sensitivity }, choice): PartialAllocation => ({
        bytes: (before?.bytes ?? 0) + bytes,
        sensitivity: (before?.sensitivity ?? 0) + sensitivity,
        choice,
        before,
      }))
    ).filter(({ bytes }) => bytes + leastAfter[i] <= budget);
    front = paretoFront(longer, ({ bytes }) => bytes, ({ sensitivity }) => -sensitivity);
    if (front.length > MOST_PARTIALS) {
      throw new RangeError(
        `Cannot allocate bits exactly: at most ${MOST_PARTIALS} partial allocations can be kept: ` +
          `after layer "${layer}" there are ${front.length}; give fewer choices or a smaller budget`,
      );
    }
  });
  return front.map((last) => allocationOf(layers, last ? chosenBy(last, layers.length) : []));
}

/**
 * Allocates bits so that no other allocation within the budget has less sensitivity.
 *
 * @param layers Layers and their choices.
 * @param budget Largest sum of bytes.
 * @returns The best allocation; of equally good ones the smallest.
 * @throws {RangeError} As {@link allocationFront}.
 */
export function allocateExactly(layers: readonly LayerChoices[], budget: number): BitAllocation {
  return allocationFront(layers, budget).at(-1)!;
}
