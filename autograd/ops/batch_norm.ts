import {
  type Device,
  formatShape,
  type Numbers,
  reshape,
  run,
  type Tensor,
} from "../../gpu/mod.ts";
import {
  batchNormKernels,
  batchNormParams,
  batchStatisticsKernels,
  chooseBatchNormParts,
} from "../../kernels/mod.ts";
import { isMasked, markActivated } from "../relu_mask.ts";
import { combine, fill, reduceAxis } from "../arithmetic.ts";
import { differentiable, type Wanted } from "../tape.ts";
import { reluGradient } from "./relu.ts";

/** What a batch norm keeps, each `[networks, channels]`. */
export interface BatchNormTensors {
  /** Factor of the normalized values. */
  readonly weight: Tensor;
  /** Term of the normalized values. */
  readonly bias: Tensor;
  /** Moving average of batch means, updated in place while training. */
  readonly runningMean: Tensor;
  /** Moving average of unbiased batch variances, updated in place while training. */
  readonly runningVar: Tensor;
}

/** How a batch norm normalizes, and what follows in the same dispatch. */
export interface BatchNormOptions {
  /** Added to the variance; 1e-5 if left out, as in PyTorch. */
  readonly epsilon?: number;
  /** Share of the batch in the moving averages; 0.1 if left out, as in PyTorch. */
  readonly momentum?: number;
  /** Whether to normalize by the batch and update the averages, or by the averages. */
  readonly isTraining?: boolean;
  /** Added to what was normalized, of the shape of x: where a residual block meets its shortcut. */
  readonly shortcut?: Tensor;
  /** Rectify last. */
  readonly relu?: boolean;
}

/** Mean and biased variance that x is normalized by, each `[networks, channels]`. */
interface Statistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

function geometryOf(
  x: Tensor,
  { weight, ...others }: BatchNormTensors,
  shortcut?: Tensor,
): Numbers {
  const [copies, batch, channels, ...image] = x.shape;
  const [networks] = weight.shape;
  const isWhole = Object.values(others).every(({ size }) => size === networks * channels);
  const isShared = copies === 1 || copies === networks;
  if (`${weight.shape}` !== `${[networks, channels]}` || !isWhole || !isShared) {
    throw new RangeError(
      "Cannot normalize a batch: shapes must be x [networks or 1, rows, channels, ...], weight and " +
        `all others [networks, channels]: x is ${formatShape(x.shape)}, weight ` +
        formatShape(weight.shape),
    );
  }
  const shape = [networks, ...x.shape.slice(1)];
  if (shortcut !== undefined && `${shortcut.shape}` !== `${shape}`) {
    throw new RangeError(
      `Cannot normalize a batch: the shortcut must have x's shape ${formatShape(shape)}: it is ` +
        formatShape(shortcut.shape),
    );
  }
  const plane = image.reduce((product, axis) => product * axis, 1);
  return batchNormParams({ networks, batch, channels, plane }, chooseBatchNormParts(x.device));
}

/** A copy for every network of what they share; it differentiates to the sum over networks. */
function copyToNetworks(x: Tensor, networks: number): Tensor {
  if (x.shape[0] === networks) return x;
  const copies = combine("add", reshape(x, [1, x.size]), fill(x.device, [networks, 1], 0));
  const y = reshape(copies, [networks, ...x.shape.slice(1)]);
  return differentiable(y, [x], (dy) => [
    reshape(reduceAxis("sum", reshape(dy, [networks, x.size]), 0), x.shape),
  ]);
}

/** Constants of the way that fits planes and adapter. */
function constantsOf({ isSoftware }: Device, { plane }: Numbers): Numbers {
  return { FOURS: plane % 4 === 0 ? 1 : 0, LANES: isSoftware ? 8 : 128 };
}

/** Mean and variance of a batch; the moving averages follow. */
function batchStatistics(
  x: Tensor,
  { runningMean, runningVar }: BatchNormTensors,
  geometry: Numbers,
  momentum: number,
): Statistics {
  const count = geometry.batch * geometry.plane;
  if (count < 2) {
    throw new RangeError(
      "Cannot normalize by a batch: a channel must have at least 2 elements: x is " +
        formatShape(x.shape),
    );
  }
  const params = { ...geometry, momentum };
  const constants = constantsOf(x.device, geometry);
  const { moments, statistics } = batchStatisticsKernels;
  const parts = run(moments, { x }, params, { constants });
  const { meanOut, varianceOut } = run(
    statistics,
    {
      x,
      partialMean: parts.partialMeanOut,
      partialSquares: parts.partialSquaresOut,
      runningMean,
      runningVariance: runningVar,
    },
    params,
    { constants },
  );
  return { mean: meanOut, variance: varianceOut };
}

/**
 * Normalizes every channel to mean 0 and variance 1, and scales and shifts it.
 *
 *     y = weight xhat + bias,   xhat = (x - mean) / sqrt(var + epsilon)
 *
 * In training, mean and (biased) variance are those of the batch, and the moving averages follow them;
 * otherwise they are the moving averages. A shortcut and a ReLU cost no pass of their own.
 *
 * @param given `[networks, rows, channels, ...]`, or `[1, ...]` shared by all networks, which copies it.
 * @param tensors Factor, term and moving averages.
 * @param options Epsilon, momentum, whether to train, and what follows.
 * @returns `[networks, rows, channels, ...]`.
 * @throws {RangeError} If there is not one factor a channel of each network, the shortcut has another
 *   shape, or there is nothing to take a variance of.
 * @see Ioffe and Szegedy 2015, arXiv:1502.03167
 */
export function batchNorm(
  given: Tensor,
  tensors: BatchNormTensors,
  options: BatchNormOptions = {},
): Tensor {
  const { epsilon = 1e-5, momentum = 0.1, isTraining = false, shortcut, relu = false } = options;
  const { weight, bias, runningMean, runningVar } = tensors;
  const geometry = geometryOf(given, tensors, shortcut);
  const x = copyToNetworks(given, geometry.networks);
  const params = { ...geometry, epsilon };
  const statistics = isTraining
    ? batchStatistics(x, tensors, geometry, momentum)
    : { mean: runningMean, variance: runningVar };
  const made = run(
    batchNormKernels.forward,
    { x, ...statistics, weight, bias, shortcut: shortcut ?? x },
    params,
    {
      constants: {
        ...constantsOf(x.device, geometry),
        RELU: relu ? 1 : 0,
        SHORTCUT: shortcut === undefined ? 0 : 1,
      },
    },
  );
  const y = reshape(made.y, x.shape);
  if (relu) markActivated(y);

  const inputs = shortcut === undefined ? [x, weight, bias] : [x, weight, bias, shortcut];
  return differentiable(y, inputs, (gradient, wanted) => {
    // what passes the ReLU is the shortcut's gradient too, so with one it is worth keeping
    const dy = relu && shortcut !== undefined ? reluGradient(gradient, y) : gradient;
    const activated = relu && dy === gradient && !isMasked(dy, y) ? y : undefined;
    const found = gradients({ x, dy, activated }, weight, statistics, params, isTraining, wanted);
    return [...found, dy];
  });
}

/** Gradients of x, weight and bias from that of what was normalized, or of the ReLU behind it. */
function gradients(
  given: { readonly x: Tensor; readonly dy: Tensor; readonly activated: Tensor | undefined },
  weight: Tensor,
  statistics: Statistics,
  params: Numbers,
  isTraining: boolean,
  [wantX, wantWeight, wantBias]: readonly (Wanted | undefined)[],
): (Tensor | undefined)[] {
  const { x, dy, activated } = given;
  // without a ReLU its output is not read, whatever is bound in its place
  const inputs = { x, dy, activated: activated ?? x, ...statistics };
  const constants = {
    ...constantsOf(x.device, params),
    RELU: activated === undefined ? 0 : 1,
    FROZEN: isTraining ? 0 : 1,
  };
  let dx, dWeight, dBias, slopes: Tensor | undefined;
  if (isTraining || wantWeight !== undefined || wantBias !== undefined) {
    const parts = run(batchNormKernels.gradientSums, inputs, params, { constants });
    const into = {
      ...wantWeight?.into && { dWeight: wantWeight.into },
      ...wantBias?.into && { dBias: wantBias.into },
    };
    const made = run(
      batchNormKernels.gradients,
      {
        partialWeight: parts.partialWeightOut,
        partialBias: parts.partialBiasOut,
        variance: statistics.variance,
      },
      params,
      { constants, into },
    );
    [dWeight, dBias] = [reshape(made.dWeight, weight.shape), reshape(made.dBias, weight.shape)];
    slopes = made.slopesOut;
  }
  if (wantX !== undefined) {
    const made = run(
      batchNormKernels.inputGradient,
      {
        ...inputs,
        weight,
        slopes: slopes ?? fill(x.device, [2 * weight.size], 0),
      },
      params,
      { constants },
    );
    dx = reshape(made.dx, x.shape);
  }
  return [dx, dWeight, dBias];
}
