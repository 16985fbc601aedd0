import { linear, meanSquaredError, view } from "../../../autograd/mod.ts";
import { type Device, read, type Tensor, tensor, zeros } from "../../../gpu/mod.ts";
import type { QuantizedWeight, WeightGrid } from "../quantized_weight.ts";
import { reconstructBlock } from "./block_reconstruction.ts";
import { cholesky } from "./cholesky.ts";
import type { LayerHessian } from "./hessian.ts";
import type { ReconstructionPlan } from "./reconstruction_plan.ts";
import { hessianGroupOf } from "./weight_rows.ts";

/** First share of the mean diagonal that a Hessian without a Cholesky factor is damped by. */
const LEAST = 1e-10;

/** L of H + lambda I = L L^T, with the smallest lambda of 0, 1e-10, 1e-9, ... times the mean diagonal. */
function rootOf({ inputs, values }: LayerHessian, group: number): Float64Array {
  const block = values.subarray(group * inputs ** 2, (group + 1) * inputs ** 2);
  const bad = block.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(
      `Cannot learn a rounding: the Hessian must be finite: element ${bad} is ${block[bad]}`,
    );
  }
  let mean = 0;
  for (let i = 0; i < inputs; i++) mean += block[i * (inputs + 1)] / inputs;
  for (let share = 0;; share = Math.max(share * 10, LEAST)) {
    const damped = block.slice();
    for (let i = 0; i < inputs; i++) damped[i * (inputs + 1)] += share * (mean || 1);
    const root = cholesky(damped, inputs);
    if (root !== undefined) return root;
  }
}

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
 * not change it.
 *
 * @param device Where to learn.
 * @param weight Row-major, outputs first.
 * @param shape `[outputs, inputs]`, or `[outputs, inputs / groups, height, width]`.
 * @param grids One a group of consecutive weights, affine or codebook.
 * @param hessian Of the layer's inputs on calibration data.
 * @param plan Steps, rates and penalty; a scale rate of 0 learns roundings alone, as the paper does.
 * @returns Codes, and grids that are scaled by what was learned.
 * @throws {RangeError} If sizes do not fit, or a number is not finite.
 * @see Nagel et al. 2020, arXiv:2004.10568
 */
export async function adaRound(
  device: Device,
  weight: Float32Array,
  shape: readonly number[],
  grids: readonly WeightGrid[],
  hessian: LayerHessian,
  plan: ReconstructionPlan,
): Promise<QuantizedWeight> {
  using _scope = device.scope();
  const [outputs] = shape;
  const { groups, inputs } = hessian;
  hessianGroupOf({ rows: outputs, inputs: weight.length / outputs }, hessian);
  const roots = Array.from({ length: groups }, (_, g) => transposed(rootOf(hessian, g), inputs));
  const upper = new Float32Array(groups * inputs * inputs);
  roots.forEach((root, g) => upper.set(root, g * inputs * inputs));
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
  return weights.weight;
}
