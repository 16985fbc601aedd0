import type { LayerHessian } from "../../../../compression/mod.ts";
import { randomSource, standardNormal } from "../../../../kernels/mod.ts";

/**
 * Draws normal numbers.
 *
 * @param count How many.
 * @param seed Same seed, same numbers.
 * @returns Mean 0, variance 1.
 */
export function normals(count: number, seed: number): Float32Array<ArrayBuffer> {
  const random = randomSource(seed);
  return Float32Array.from({ length: count }, () => standardNormal(random));
}

/**
 * Draws inputs of a layer whose features depend on each other, as those of real layers do.
 *
 * @param samples Rows.
 * @param inputs Columns.
 * @param seed Same seed, same numbers.
 * @returns `[samples, inputs]`.
 */
export function correlatedInputs(
  samples: number,
  inputs: number,
  seed: number,
): Float32Array<ArrayBuffer> {
  const own = normals(samples * inputs, seed);
  const shared = normals(samples, seed + 1000);
  return own.map((value, i) => value + 2 * shared[Math.floor(i / inputs)]);
}

/**
 * Computes the Hessian of a layer as the definition says.
 *
 * @param x `[samples, inputs]`.
 * @param inputs Columns.
 * @returns In float64.
 */
export function hessianOf(x: Float32Array, inputs: number): LayerHessian {
  const samples = x.length / inputs;
  const values = new Float64Array(inputs * inputs);
  const mean = new Float64Array(inputs);
  for (let n = 0; n < samples; n++) {
    for (let i = 0; i < inputs; i++) {
      const xi = x[n * inputs + i];
      mean[i] += xi / samples;
      for (let j = 0; j < inputs; j++) {
        values[i * inputs + j] += 2 / samples * xi * x[n * inputs + j];
      }
    }
  }
  return { groups: 1, inputs, samples, values, mean };
}

/**
 * Computes what GPTQ, OBQ and coordinate descent minimize.
 *
 * @param weight `[rows, inputs]`.
 * @param approximation Likewise.
 * @param hessian One group.
 * @returns Sum over rows of (w - q) H (w - q)^T.
 */
export function outputError(
  weight: Float32Array,
  approximation: Float32Array,
  { inputs, values }: LayerHessian,
): number {
  let sum = 0;
  for (let start = 0; start < weight.length; start += inputs) {
    for (let i = 0; i < inputs; i++) {
      const a = weight[start + i] - approximation[start + i];
      for (let j = 0; j < inputs; j++) {
        sum += a * values[i * inputs + j] * (weight[start + j] - approximation[start + j]);
      }
    }
  }
  return sum;
}
