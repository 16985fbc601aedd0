import type { Model } from "../../models/mod.ts";

/**
 * Gives a fully connected network a buffer, as a batch norm has one, and biases that begin at 1.
 *
 * @param model With `fc1` and `fc2`.
 * @returns The same network; `norm.running_mean` stands between its layers and is not looked at.
 */
export function withBuffer(model: Model): Model {
  const [weight, bias, ...rest] = model.parameters;
  const mean = { name: "norm.running_mean", shape: bias.shape, bound: 0, initial: 0.25 };
  return {
    ...model,
    parameters: [weight, { ...bias, initial: 1 }, { ...mean, isBuffer: true }, ...rest],
  };
}
