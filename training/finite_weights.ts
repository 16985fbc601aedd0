import type { HostParameters } from "../models/mod.ts";

/** A weight became NaN or infinite without the loss showing it. */
export class NonFiniteWeightError extends Error {
  /** Name of the class. */
  override readonly name: string = "NonFiniteWeightError";
}

/**
 * Refuses a trained network whose weights are not finite.
 *
 * The loss alone does not tell: a GPU may compute `max(NaN, 0)` as 0, and then ReLU hides the NaN of a
 * hidden layer from the logits, which are all equal and give a loss of `log(classes)`.
 *
 * @param parameters Weights of one network.
 * @param seed Of the network, for the error.
 * @param steps Steps done, for the error.
 * @throws {NonFiniteWeightError} If a weight is NaN or infinite; says which is the first.
 */
export function checkFiniteWeights(parameters: HostParameters, seed: number, steps: number): void {
  for (const [name, values] of Object.entries(parameters)) {
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    throw new NonFiniteWeightError(
      `Cannot go on training: weights must be finite: at step ${steps}, seed ${seed} ` +
        `${name}[${at}] is ${values[at]}`,
    );
  }
}
