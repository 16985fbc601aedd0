import { estimateTrace, rademacher, type TraceEstimate } from "./hutchinson.ts";

/** Values by name: the weights of one network, or the gradient of its loss. */
export type NamedValues = Readonly<Record<string, Float32Array<ArrayBuffer>>>;

/** How to estimate traces. */
export interface HessianTraceOptions {
  /** Random vectors for each weight. */
  readonly samples: number;
  /** Same seed, same vectors. */
  readonly seed: number;
  /** How far to go along a vector, as a share of the root mean square of the weight; 0.01 if left out. */
  readonly step?: number;
}

function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

/**
 * Estimates the trace of each weight's own block of the Hessian of a loss.
 *
 *     Tr(H) = E[v^T H v],   H v ~ (g(w + h v) - g(w - h v)) / (2 h),   v of random signs
 *
 * Hessian-vector products are central differences of gradients, so gradients are all that is asked for.
 * Each vector moves one weight and leaves the others: the networks of a sample, two a weight, are one
 * population.
 *
 * @param weights One network's, those to look at.
 * @param gradients Gives the gradient of the loss of each network, for the weights of each.
 * @param options Samples, seed and step.
 * @returns An estimate a weight.
 * @throws {RangeError} If samples is not a whole number from 1 on, the step is not positive, a weight
 *   is all 0, or a gradient is not finite, with the name of the weight.
 * @see Hutchinson 1989, doi:10.1080/03610918908812806; Dong et al. 2020, HAWQ-V2, arXiv:1911.03852
 */
export async function hessianTraces(
  weights: NamedValues,
  gradients: (networks: readonly NamedValues[]) => Promise<readonly NamedValues[]>,
  options: HessianTraceOptions,
): Promise<Readonly<Record<string, TraceEstimate>>> {
  const { samples, seed, step = 0.01 } = options;
  if (!Number.isInteger(samples) || samples < 1 || !(step > 0 && step < Infinity)) {
    throw new RangeError(
      "Cannot estimate traces: samples must be a whole number from 1 on and the step positive: they " +
        `are ${samples} and ${step}`,
    );
  }
  const names = Object.keys(weights);
  const steps = names.map((name) => {
    const h = step * rootMeanSquare(weights[name]);
    if (h > 0 && h < Infinity) return h;
    throw new RangeError(
      `Cannot estimate the trace of "${name}": its weights must be finite and not all 0`,
    );
  });
  const estimates: number[][] = names.map(() => []);
  for (let sample = 0; sample < samples; sample++) {
    const signs = names.map((name, i) =>
      rademacher(weights[name].length, seed, sample * names.length + i)
    );
    const networks = names.flatMap((name, i) =>
      [steps[i], -steps[i]].map((h): NamedValues => ({
        ...weights,
        [name]: weights[name].map((w, j) => w + h * signs[i][j]),
      }))
    );
    const found = await gradients(networks);
    names.forEach((name, i) => {
      const [up, down] = [found[2 * i][name], found[2 * i + 1][name]];
      const product = signs[i].reduce((sum, sign, j) => sum + sign * (up[j] - down[j]), 0);
      estimates[i].push(product / (2 * steps[i]));
    });
  }
  return Object.fromEntries(names.map((name, i) => [name, estimateTrace(estimates[i], name)]));
}
