import { linear, meanSquaredError, view } from "../../../autograd/mod.ts";
import { type Device, read, type Tensor, tensor, zeros } from "../../../gpu/mod.ts";
import type { WeightGrid } from "../quantized_weight.ts";
import { reconstructBlock } from "./block_reconstruction.ts";
import { cholesky } from "./cholesky.ts";
import { dampedFactor } from "./damped_factor.ts";
import type { SecondOrderWeight } from "./gptq.ts";
import type { LayerHessian } from "./hessian.ts";
import type { ReconstructionPlan } from "./reconstruction_plan.ts";
import { hessianGroupOf } from "./weight_rows.ts";

function transposed(matrix: Float64Array, size: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(matrix, (_, i) => matrix[(i % size) * size + Math.floor(i / size)]);
}

/**
 * Learns whether each weight of one layer rounds up or down, so that the layer's output changes least:
 * AdaRound.
 *
 *     minimize  sum over outputs of (w - w_hat) H (w - w_hat)^T + lambda mean(1 - |2 h(v) - 1|^beta)
 *
 * H holds all that calibration data say of a layer's squared error, so no data is needed here, and every
 * step sees all of it: with H = L L^T the error is |(w - w_hat) L|^2, one product of matrices. A bias does
 * not change it. H is damped only if it is not positive definite.
 *
 * @param device Where to learn.
 * @param weight Row-major, outputs first.
 * @param shape `[outputs, inputs]`, or `[outputs, inputs / groups, height, width]`.
 * @param grids One a group of consecutive weights, affine or codebook.
 * @param hessian Of the layer's inputs on calibration data.
 * @param plan Steps, rates and penalty; a scale rate of 0 learns roundings alone, as the paper does.
 * @returns Codes, grids that are scaled by what was learned, and the damping used.
 * @throws {RangeError} If sizes do not fit, a number is not finite, or H has a negative diagonal.
 * @see Nagel et al. 2020, arXiv:2004.10568
 */
export async function adaRound(
  device: Device,
  weight: Float32Array,
  shape: readonly number[],
  grids: readonly WeightGrid[],
  hessian: LayerHessian,
  plan: ReconstructionPlan,
): Promise<SecondOrderWeight> {
  using _scope = device.scope();
  const [outputs] = shape;
  const { groups, inputs } = hessian;
  hessianGroupOf({ rows: outputs, inputs: weight.length / outputs }, hessian);
  const roots = Array.from(
    { length: groups },
    (_, g) => dampedFactor(hessian, g, 0, (damped) => cholesky(damped, inputs)),
  );
  const upper = new Float32Array(groups * inputs * inputs);
  roots.forEach(({ factor }, g) => upper.set(transposed(factor, inputs), g * inputs * inputs));
  const noBias = zeros(device, [groups, inputs]);
  // groups of a convolution stand where the networks of a population do
  const rows = [groups, outputs / groups, inputs];
  const factor = tensor(device, upper, [groups, inputs, inputs]);
  const outputsOf = (soft: Tensor) => linear(view(soft, rows), factor, noBias);
  const target = outputsOf(tensor(device, Float32Array.from(weight), rows));
  let unit = 0;
  for (const value of await read(target)) unit += value ** 2 / weight.length;
  const [{ weights }] = await reconstructBlock(device, {
    weights: [{ name: "weight", shape, values: [weight], grids: [grids] }],
    seeds: [0],
    unit: unit || 1, // a weight of nothing but 0 has nothing to learn
    losses: ({ weights: soft }) =>
      view(meanSquaredError(outputsOf(soft.weight), target), [1, outputs]),
  }, plan);
  return { quantized: weights.weight, damping: roots.map(({ damping }) => damping) };
}
