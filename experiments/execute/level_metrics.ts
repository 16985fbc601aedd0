import type { HostParameters, Model } from "../../models/mod.ts";
import type { Metrics } from "../metrics.ts";
import type { Trial } from "../trial.ts";
import { onLevels } from "./variants.ts";

/**
 * Measures the weights of a network that is on a grid around 0, by training or after it.
 *
 * @param model The model.
 * @param host Its trained weights.
 * @param trial Says how they were rounded.
 * @returns Zeros and norm of the weights without biases; nothing for other trials.
 */
export function levelMetrics(
  model: Model,
  host: HostParameters,
  { compression, training }: Trial,
): Pick<Metrics, "zeroWeights" | "weightNorm"> {
  const isAfter = compression.kind === "levels";
  if (!isAfter && training.weightQuantization === undefined) return {};
  const network = isAfter ? onLevels(model, host, compression) : host;
  let [count, zeros, squares] = [0, 0, 0];
  for (const { name, shape, isBuffer } of model.parameters) {
    if (isBuffer || shape.length < 2) continue;
    count += network[name].length;
    for (const value of network[name]) {
      if (value === 0) zeros++;
      squares += value * value;
    }
  }
  return { zeroWeights: zeros / count, weightNorm: Math.sqrt(squares) };
}
