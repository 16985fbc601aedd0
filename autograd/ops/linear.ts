import { formatShape, reshape, run, type Tensor } from "../../gpu/mod.ts";
import { chooseMatmul } from "../../kernels/mod.ts";
import { isActivated, markActivated, markMasked } from "../relu_mask.ts";
import { differentiable } from "../tape.ts";
import { reluGradient } from "./relu.ts";

/** What a linear layer does after its bias. */
export interface LinearOptions {
  /** Rectify the output in the same dispatch. */
  readonly relu?: boolean;
}

function checkShapes(x: Tensor, weight: Tensor, bias: Tensor): void {
  const [networks, outputs, inputs] = weight.shape;
  const fits = weight.shape.length === 3 && x.shape.length === 3 &&
    (x.shape[0] === 1 || x.shape[0] === networks) && x.shape[2] === inputs &&
    bias.size === networks * outputs;
  if (!fits) {
    throw new RangeError(
      "Cannot apply a linear layer: shapes must be x [networks or 1, rows, inputs], weight " +
        `[networks, outputs, inputs], bias [networks, outputs]: x is ${formatShape(x.shape)}, ` +
        `weight ${formatShape(weight.shape)}, bias ${formatShape(bias.shape)}`,
    );
  }
}

/**
 * Applies a linear layer of every network of a population: `y = x W^T + b`, one dispatch.
 *
 * Backward takes two dispatches: weight and bias gradients together, and the input gradient, which
 * carries the ReLU mask of the layer before if there was one.
 *
 * @param x Inputs `[networks, rows, inputs]`, or `[1, rows, inputs]` shared by all networks.
 * @param weight `[networks, outputs, inputs]`, PyTorch's layout.
 * @param bias `[networks, outputs]`.
 * @param options Whether to rectify.
 * @returns `[networks, rows, outputs]`.
 * @throws {RangeError} If the shapes do not fit.
 */
export function linear(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  options: LinearOptions = {},
): Tensor {
  checkShapes(x, weight, bias);
  const { device } = x;
  const [networks, outputs, inputs] = weight.shape;
  const rows = x.shape[1];
  const weightStride = networks === 1 ? 0 : outputs * inputs;
  const xStride = x.shape[0] === 1 ? 0 : rows * inputs;
  const forward = {
    batch: networks,
    m: rows,
    n: outputs,
    k: inputs,
    aStride: xStride,
    bStride: weightStride,
    biasStride: networks === 1 ? 0 : outputs,
  };
  const chosen = chooseMatmul(device, forward, "ntBias");
  const { c } = run(chosen.kernels.ntBias, { a: x, b: weight, bias }, forward, {
    constants: { ...chosen.constants, RELU: options.relu ? 1 : 0 },
  });
  const y = reshape(c, [networks, rows, outputs]);
  if (options.relu) markActivated(y);

  return differentiable(y, [x, weight, bias], (gradient, [wantX, wantWeight, wantBias]) => {
    const dy = options.relu ? reluGradient(gradient, y) : gradient;
    const dyStride = networks === 1 ? 0 : rows * outputs;
    let dx, dw, db: Tensor | undefined;
    if (wantWeight !== undefined || wantBias !== undefined) {
      const params = {
        batch: networks,
        m: outputs,
        n: inputs,
        k: rows,
        aStride: dyStride,
        bStride: xStride,
        biasStride: 0,
      };
      const { kernels, constants } = chooseMatmul(device, params, "tnRowSum");
      const into = {
        ...wantWeight?.into && { c: wantWeight.into },
        ...wantBias?.into && { rowSum: wantBias.into },
      };
      const made = run(kernels.tnRowSum, { a: dy, b: x }, params, { constants, into });
      dw = reshape(made.c, weight.shape);
      db = reshape(made.rowSum, bias.shape);
    }
    if (wantX !== undefined) {
      if (x.shape[0] !== networks) {
        throw new TypeError("Cannot differentiate by inputs that several networks share");
      }
      const params = {
        batch: networks,
        m: rows,
        n: inputs,
        k: outputs,
        aStride: dyStride,
        bStride: weightStride,
        biasStride: 0,
      };
      const masked = isActivated(x);
      const entry = masked ? "nnMasked" : "nn";
      const { kernels, constants } = chooseMatmul(device, params, entry);
      const operands = { a: dy, b: weight, ...masked && { mask: x } };
      dx = reshape(run(kernels[entry], operands, params, { constants }).c, x.shape);
      if (masked) markMasked(dx, x);
    }
    return [dx, dw, db];
  });
}
