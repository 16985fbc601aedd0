import { type Device, formatShape, reshape, run, type Tensor, tensor } from "../../gpu/mod.ts";
import { channelMode, fakeQuantizeKernels as kernels, ROUNDING } from "../../kernels/mod.ts";
import { differentiable } from "../tape.ts";

/** How a real number becomes an integer. */
export type Rounding = keyof typeof ROUNDING;

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
  /** Elements between two neighbours on the channel axis. */
  readonly inner: number;
  /** How a real number becomes an integer. */
  readonly rounding: Rounding;
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
 * @param inner Elements between two neighbours on the channel axis.
 * @param rounding How to round.
 * @returns Grids that {@link fakeQuantize} takes.
 */
export function uploadGrids(
  device: Device,
  grids: readonly GridNumbers[],
  inner: number,
  rounding: Rounding = "nearestEven",
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

function check(x: Tensor, { scale, inner }: QuantParams, size: number): void {
  if (size % (scale.size * inner) !== 0) {
    throw new RangeError(
      `Cannot fake-quantize x as it must hold whole groups of ${scale.size} channels x ${inner} ` +
        `elements: current shape is ${formatShape(x.shape)}`,
    );
  }
}

/**
 * Snaps `x` to an integer grid and scales it back, and lets gradients pass straight through
 * wherever the grid did not clip: what quantization-aware training sees of a weight.
 *
 * Channels may be networks of a population, or channels of networks: mixed bit-widths are one
 * dispatch.
 *
 * @param x Values, any shape `[outer..., channels, inner...]`.
 * @param grid One scale and zero point a channel; a single channel means per-tensor.
 * @returns Values on the grid, in the units and shape of `x`.
 * @throws {RangeError} If `x` does not hold a whole number of channel groups.
 *
 * @see Jacob et al. 2018, arXiv:1712.05877; Bengio et al. 2013, arXiv:1308.3432
 */
export function fakeQuantize(x: Tensor, grid: QuantParams): Tensor {
  check(x, grid, x.size);
  const { scale, inverseScale, zeroPoint, qMin, qMax, inner, rounding } = grid;
  const channels = scale.size;
  const params = { size: x.size, channels, inner, xSize: x.size };
  const constants = { ROUNDING: ROUNDING[rounding], CHANNELS: channelMode(channels, inner) };
  const inputs = { x, inverseScale, zeroPoint, qMin, qMax };
  const { y } = run(kernels.forward, { ...inputs, scale }, params, { constants });
  return differentiable(reshape(y, x.shape), [x], (dy) => {
    const { dx } = run(kernels.backward, { ...inputs, dy }, params, { constants });
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
  const { scale, inverseScale, zeroPoint, qMin, qMax, inner, rounding } = grid;
  const networks = scale.size;
  check(x, { ...grid, scale: { ...scale, size: 1 } }, x.shape[0] === 1 ? x.size : NaN);
  const params = { size: networks * x.size, channels: networks, inner, xSize: x.size };
  const { y } = run(kernels.forward, { x, scale, inverseScale, zeroPoint, qMin, qMax }, params, {
    constants: {
      ROUNDING: ROUNDING[rounding],
      CHANNELS: channelMode(networks, inner),
      SHARED: networks === 1 ? 0 : 1,
    },
  });
  return reshape(y, [networks, ...x.shape.slice(1)]);
}
