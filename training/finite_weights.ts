import type { HostParameters } from "../models/mod.ts";

/** A weight became NaN or infinite without the loss showing it. */
export class NonFiniteWeightError extends Error {
  /** Name of the class. */
  override readonly name: string = "NonFiniteWeightError";
}

/**
 * Lists where tensors hold numbers that are not finite.
 *
 * @param tensors Values by name.
 * @returns Of each tensor that holds one, the first, such as `fc1.weight[400] is NaN`.
 */
export function nonFiniteValues(tensors: HostParameters): string[] {
  return Object.entries(tensors).flatMap(([name, values]) => {
    const at = values.findIndex((value) => !Number.isFinite(value));
    return at < 0 ? [] : [`${name}[${at}] is ${values[at]}`];
  });
}

/**
 * Refuses a trained network whose weights are not finite.
 *
 * The losses alone do not tell: each is computed before the update of its step, so none shows what the
 * last update broke.
 *
 * @param parameters Weights of one network.
 * @param seed Of the network, for the error.
 * @param steps Steps done, for the error.
 * @throws {NonFiniteWeightError} If a weight is NaN or infinite; says which is the first.
 */
export function checkFiniteWeights(parameters: HostParameters, seed: number, steps: number): void {
  const [first] = nonFiniteValues(parameters);
  if (first === undefined) return;
  throw new NonFiniteWeightError(
    `Cannot go on training: weights must be finite: at step ${steps}, seed ${seed} ${first}`,
  );
}
