import { type Device, formatShape, reshape, run, type Tensor, tensor } from "../../gpu/mod.ts";
import {
  channelMode,
  fakeQuantizeKernels as kernels,
  ROUNDING,
  stochasticFakeQuantizeKernels,
  streamKeysKernels,
} from "../../kernels/mod.ts";
import { differentiable } from "../tape.ts";

/** How a real number becomes an integer, without chance. */
export type Rounding = keyof typeof ROUNDING;

/**
 * Rounding up or down at random, so that the expectation is the number itself.
 *
 * The random numbers are a pure function of seed, stream, step and element within a network.
 *
 * @see Gupta et al. 2015, arXiv:1502.02551
 */
export interface StochasticRounding {
  /** Tells it from the roundings without chance. */
  readonly kind: "stochastic";
  /** One a network, `u32 [networks]`; the elements of what is rounded fall into as many equal parts. */
  readonly seeds: Tensor;
  /** Step number, `u32 [1]`. */
  readonly clock: Tensor;
  /** What is rounded: tensors of one network must have different streams. */
  readonly stream: number;
}

/** One integer grid a channel, on the GPU; each tensor is `[channels]`. */
export interface QuantParams {
  /** Distance of two neighbors on the grid. */
  readonly scale: Tensor;
  /** float32(1 / scale), which quantizing multiplies by. */
  readonly inverseScale: Tensor;
  /** The integer that stands for 0. */
  readonly zeroPoint: Tensor;
  /** Smallest integer. */
  readonly qMin: Tensor;
  /** Largest integer. */
  readonly qMax: Tensor;
  /** Elements between two neighbors on the channel axis. */
  readonly inner: number;
  /** How a real number becomes an integer. */
  readonly rounding: Rounding | StochasticRounding;
}

/** The numbers of one channel's grid, on the host. */
export interface GridNumbers {
  /** Distance of two neighbors on the grid. */
  readonly scale: number;
  /** float32(1 / scale), which quantizing multiplies by. */
  readonly inverseScale: number;
  /** The integer that stands for 0. */
  readonly zeroPoint: number;
  /** Smallest integer. */
  readonly qMin: number;
  /** Largest integer. */
  readonly qMax: number;
}

/**
 * Uploads one grid a channel.
 *
 * @param device Where to.
 * @param grids One a channel; a single one means per-tensor.
 * @param inner Elements between two neighbors on the channel axis.
 * @param rounding How to round.
 * @returns Grids that {@link fakeQuantize} takes.
 */
export function uploadGrids(
  device: Device,
  grids: readonly GridNumbers[],
  inner: number,
  rounding: Rounding | StochasticRounding = "nearestEven",
): QuantParams {
  const column = (name: keyof GridNumbers) =>
    tensor(device, new Float32Array(grids.map((grid) => grid[name])));
  return {
    scale: column("scale"),
    inverseScale: column("inverseScale"),
    zeroPoint: column("zeroPoint"),
    qMin: column("qMin"),
    qMax: column("qMax"),
    inner,
    rounding,
  };
}

function check(x: Tensor, isWhole: boolean, channels: number, inner: number): void {
  if (isWhole) return;
  throw new RangeError(
    `Cannot fake-quantize x as it must hold whole groups of ${channels} channels x ${inner} ` +
      `elements: current shape is ${formatShape(x.shape)}`,
  );
}

/** Two kernels and what they have in common: with one rounding, on `size` elements of output. */
function dispatchesOf(x: Tensor, grid: QuantParams, size: number) {
  const { scale, inverseScale, zeroPoint, qMin, qMax, inner, rounding } = grid;
  const inputs = { x, inverseScale, zeroPoint, qMin, qMax };
  const channels = scale.size;
  const params = { size, channels, inner, xSize: x.size };
  if (typeof rounding === "object") {
    const { seeds, clock, stream } = rounding;
    const networks = seeds.size;
    if (size % networks !== 0) {
      throw new RangeError(
        `Cannot round stochastically: x must hold ${networks} networks of equal size, one a seed: ` +
          `current shape is ${formatShape(x.shape)}`,
      );
    }
    const { keys } = run(streamKeysKernels.makeKeys, { seeds, clock }, { networks, stream });
    const { forward, backward } = stochasticFakeQuantizeKernels;
    return { forward, backward, inputs: { ...inputs, keys }, params: { ...params, networks } };
  }
  const constants = {
    ROUNDING: ROUNDING[rounding],
    CHANNELS: channelMode(channels, inner),
    SHARED: x.size === size ? 0 : 1,
  };
  return { forward: kernels.forward, backward: kernels.backward, inputs, params, constants };
}

/**
 * Snaps `x` to an integer grid and scales it back, and lets gradients pass straight through
 * wherever the grid did not clip: what quantization-aware training sees of a weight. NaN stays NaN.
 *
 * Channels may be networks of a population, or channels of networks: mixed bit-widths are one
 * dispatch.
 *
 * @param x Values, any shape `[outer..., channels, inner...]`.
 * @param grid One scale and zero point a channel; a single channel means per-tensor.
 * @returns Values on the grid, in the units and shape of `x`.
 * @throws {RangeError} If `x` does not hold a whole number of channel groups, or of networks where the
 *   rounding is stochastic.
 *
 * @see Jacob et al. 2018, arXiv:1712.05877; Bengio et al. 2013, arXiv:1308.3432
 */
export function fakeQuantize(x: Tensor, grid: QuantParams): Tensor {
  const { scale, inner } = grid;
  check(x, x.size % (scale.size * inner) === 0, scale.size, inner);
  const { forward, backward, inputs, params, constants } = dispatchesOf(x, grid, x.size);
  const { y } = run(forward, { ...inputs, scale }, params, { constants });
  return differentiable(reshape(y, x.shape), [x], (dy) => {
    const { dx } = run(backward, { ...inputs, dy }, params, { constants });
    return [reshape(dx, x.shape)];
  });
}

/**
 * Quantizes one input of many networks, for each on its own grid, without copying it first.
 *
 * Not differentiable: inputs that networks share are data.
 *
 * @param x Values that all networks share, `[1, ...]`.
 * @param grid One channel a network, `inner` being the size of `x`.
 * @returns `[networks, ...]`.
 * @throws {RangeError} If `x` is not what one channel holds.
 */
export function fakeQuantizeShared(x: Tensor, grid: QuantParams): Tensor {
  const networks = grid.scale.size;
  check(x, x.shape[0] === 1 && x.size % grid.inner === 0, 1, grid.inner);
  const { forward, inputs, params, constants } = dispatchesOf(x, grid, networks * x.size);
  const { y } = run(forward, { ...inputs, scale: grid.scale }, params, { constants });
  return reshape(y, [networks, ...x.shape.slice(1)]);
}
