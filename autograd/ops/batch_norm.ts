import { formatShape, reshape, run, sizeOf, type Tensor } from "../../gpu/mod.ts";
import { elementwiseKernels, elementwiseParams, UNARY } from "../../kernels/mod.ts";
import { affine, combine, reduceAxis } from "../arithmetic.ts";
import { differentiable } from "../tape.ts";

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

/** How a batch norm normalizes. */
export interface BatchNormOptions {
  /** Added to the variance; 1e-5 if left out, as in PyTorch. */
  readonly epsilon?: number;
  /** Share of the batch in the moving averages; 0.1 if left out, as in PyTorch. */
  readonly momentum?: number;
  /** Whether to normalize by the batch and update the averages, or by the averages. */
  readonly isTraining?: boolean;
}

/** Sizes of an input: what lies before and behind the axis of channels. */
interface Sizes {
  readonly networks: number;
  readonly rows: number;
  readonly channels: number;
  readonly pixels: number;
}

function unary(op: keyof typeof UNARY, x: Tensor): Tensor {
  const constants = { OP: UNARY[op] };
  const { y } = run(elementwiseKernels.unary, { a: x }, elementwiseParams(x.size), { constants });
  return reshape(y, x.shape);
}

/** Sums over rows and pixels: `[networks, channels]`. */
function channelSums(x: Tensor, { networks, rows, channels, pixels }: Sizes): Tensor {
  const planes = reduceAxis("sum", reshape(x, [networks * rows * channels, pixels]), 1);
  return reduceAxis("sum", reshape(planes, [networks, rows, channels]), 1);
}

/** `average <- (1 - momentum) average + momentum scale value`. */
function follow(average: Tensor, value: Tensor, momentum: number, scale: number): void {
  const moved = combine(
    "add",
    affine(average, 1 - momentum, 0),
    affine(value, momentum * scale, 0),
  );
  affine(moved, 1, 0, average);
}

function sizesOf(x: Tensor, { weight }: BatchNormTensors): Sizes {
  const [networks, rows, channels, ...image] = x.shape;
  if (`${weight.shape}` !== `${[networks, channels]}`) {
    throw new RangeError(
      "Cannot normalize a batch: shapes must be x [networks, rows, channels, ...], weight " +
        `[networks, channels]: x is ${formatShape(x.shape)}, weight ${formatShape(weight.shape)}`,
    );
  }
  return { networks, rows, channels, pixels: sizeOf(image) };
}

/**
 * Normalizes every channel to mean 0 and variance 1, and scales and shifts it.
 *
 *     y = weight xhat + bias,   xhat = (x - mean) / sqrt(var + epsilon)
 *
 * In training, mean and (biased) variance are those of the batch, and the moving averages follow them;
 * otherwise they are the moving averages. Composed of reductions and elementwise kernels; for inference
 * alone it is faster to fold it into the layer before.
 *
 * @param x `[networks, rows, channels, ...]`.
 * @param tensors Factor, term and moving averages.
 * @param options Epsilon, momentum, and whether to train.
 * @returns The same shape.
 * @throws {RangeError} If there is not one factor a channel of each network.
 * @see Ioffe and Szegedy 2015, arXiv:1502.03167
 */
export function batchNorm(
  x: Tensor,
  tensors: BatchNormTensors,
  options: BatchNormOptions = {},
): Tensor {
  const { epsilon = 1e-5, momentum = 0.1, isTraining = false } = options;
  const { weight, bias, runningMean, runningVar } = tensors;
  const sizes = sizesOf(x, tensors);
  const { networks, rows, channels, pixels } = sizes;
  const whole = [networks, rows, channels, pixels];
  const count = rows * pixels;
  const spread = (perChannel: Tensor) => reshape(perChannel, [networks, 1, channels, 1]);
  const x4 = reshape(x, whole);

  const mean = isTraining ? affine(channelSums(x4, sizes), 1 / count, 0) : runningMean;
  // around the mean first, so that a large one cancels before anything is multiplied
  const deviations = combine("subtract", x4, spread(mean));
  let variance = runningVar;
  if (isTraining) {
    variance = affine(channelSums(unary("square", deviations), sizes), 1 / count, 0);
    follow(runningMean, mean, momentum, 1);
    follow(runningVar, variance, momentum, count / Math.max(1, count - 1));
  }
  const inverse = unary("reciprocal", unary("squareRoot", affine(variance, 1, epsilon)));
  const normalized = combine("multiply", deviations, spread(inverse));
  const scaled = combine("multiply", normalized, spread(weight));
  const y = reshape(combine("add", scaled, spread(bias)), x.shape);

  return differentiable(y, [x, weight, bias], (gradient, [wantX]) => {
    const dy = reshape(gradient, whole);
    const dBias = channelSums(dy, sizes);
    const dWeight = channelSums(combine("multiply", dy, normalized), sizes);
    if (wantX === undefined) return [undefined, dWeight, dBias];
    let centered = dy;
    if (isTraining) {
      // what the batch's mean and variance pass on: both are functions of x
      const alongMean = combine("subtract", dy, spread(affine(dBias, 1 / count, 0)));
      const alongX = combine("multiply", normalized, spread(affine(dWeight, 1 / count, 0)));
      centered = combine("subtract", alongMean, alongX);
    }
    const dx = combine("multiply", centered, spread(combine("multiply", weight, inverse)));
    return [reshape(dx, x.shape), dWeight, dBias];
  });
}
