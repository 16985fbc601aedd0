import { formatShape, type Numbers, reshape, run, type Tensor } from "../../gpu/mod.ts";
import {
  dorefaKernels,
  dynamicGridKernels,
  dynamicGridParams,
  magnitudeLevelsKernels,
} from "../../kernels/mod.ts";
import { fill } from "../arithmetic.ts";
import { differentiable } from "../tape.ts";
import { fakeQuantize, type QuantParams } from "./fake_quantize.ts";

/** Grids that are found on the GPU from what they are for. */
export interface DynamicGridOptions {
  /**
   * Bits of a code, at least 2 where grids are symmetric; or `u32 [channels]`, where channels have their
   * own. There may be more of them than runs of elements, if there is one run, which all share.
   */
  readonly bits: number | Tensor;
  /** Consecutive elements that share a grid; all if left out. */
  readonly inner?: number;
  /** Whether 0 is in the middle, and the range as wide as the largest magnitude asks. */
  readonly symmetric?: boolean;
  /**
   * Ranges of earlier steps, `[channels, 2]`, updated in place; of x alone if left out.
   */
  readonly range?: Tensor;
  /** Share of x in `range`, 0 to leave it as it is, 1 to forget what was before. */
  readonly momentum?: number;
  /**
   * There while a range warms up: it is then the mean of all seen since the first step, until `momentum`
   * is the larger share, and codes of the first `steps` steps have 16 bits, all but float32. Not with
   * `bits` of channels.
   */
  readonly warmUp?: { readonly clock: Tensor; readonly steps: number };
}

function innerOf(x: Tensor, inner: number): number {
  if (x.size % inner === 0) return x.size / inner;
  throw new RangeError(
    `Cannot quantize runs of ${inner} elements: x must hold whole runs: it is ${
      formatShape(x.shape)
    }`,
  );
}

/** Smallest and largest element of every run. */
function rangesOf(x: Tensor, inner: number): Tensor {
  const channels = innerOf(x, inner);
  const params = dynamicGridParams({ channels, inner });
  const { partialsOut } = run(dynamicGridKernels.ranges, { x }, params);
  const range = fill(x.device, [channels, 2], 0);
  run(dynamicGridKernels.observe, { partials: partialsOut, range }, params);
  return range;
}

/** Grids that span ranges. */
function gridsOf(
  observed: Tensor,
  params: Numbers,
  { bits, symmetric = false, warmUp }: DynamicGridOptions,
) {
  const constants = { SYMMETRIC: symmetric ? 1 : 0 };
  if (typeof bits !== "number") {
    const ofAll = { ...params, channels: bits.size };
    return run(dynamicGridKernels.gridOfWidths, { observed, widths: bits }, ofAll, { constants });
  }
  const ofBits = { ...params, bits };
  if (warmUp === undefined) {
    return run(dynamicGridKernels.grid, { observed }, ofBits, { constants });
  }
  const { clock } = warmUp;
  return run(dynamicGridKernels.gridWarming, { observed, clock }, ofBits, { constants });
}

/**
 * Finds integer grids for what is in a tensor now, or for a moving range of what was, without the host.
 *
 * They equal what `chooseQuantParams` gives, bit for bit. What is not finite, or wider than 2^120, gives
 * grids of NaN.
 *
 * @param x Any shape.
 * @param options Bits, which elements share a grid, and what is remembered.
 * @returns Grids that `fakeQuantize` takes.
 * @throws {RangeError} If x does not hold whole runs.
 * @see Jacob et al. 2018, arXiv:1712.05877
 */
export function dynamicGrids(x: Tensor, options: DynamicGridOptions): QuantParams {
  const { inner = x.size, momentum = 1, warmUp } = options;
  const spans = innerOf(x, inner);
  const params = dynamicGridParams({ channels: spans, inner, momentum, warmUp: warmUp?.steps });
  let { range } = options;
  if (range === undefined) range = rangesOf(x, inner);
  else if (momentum > 0) {
    const { partialsOut: partials } = run(dynamicGridKernels.ranges, { x }, params);
    if (warmUp === undefined) run(dynamicGridKernels.observe, { partials, range }, params);
    else {
      const { clock } = warmUp;
      run(dynamicGridKernels.observeWarming, { partials, range, clock }, params);
    }
  }
  const { scale, inverseScale, zeroPoint, qMin, qMax } = gridsOf(range, params, options);
  return { scale, inverseScale, zeroPoint, qMin, qMax, inner, rounding: "nearestEven" };
}

/**
 * Quantizes to the range of what is in x now, straight-through: plain quantization-aware training.
 *
 * @param x Any shape.
 * @param options Bits, which elements share a grid, and what is remembered.
 * @returns Values on the grid, of the shape of x.
 * @throws {RangeError} If x does not hold whole runs.
 * @see Jacob et al. 2018, arXiv:1712.05877; Bengio et al. 2013, arXiv:1308.3432
 */
export function dynamicQuantize(x: Tensor, options: DynamicGridOptions): Tensor {
  return fakeQuantize(x, dynamicGrids(x, options));
}

/**
 * Rounds tanh of weights to equally spaced levels (DoReFa), times the largest tanh.
 *
 *     y = m (2 q / n - 1),  q = round(n (tanh(w) / (2 m) + 1/2)),  n = 2^bits - 1,  m = max |tanh(w)|
 *
 * Differentiates as tanh does. The factor m, which the paper leaves out, keeps networks without batch
 * norms in proportion.
 *
 * @param w Weights, any shape.
 * @param bits Bits of a code, 1 to 16.
 * @param inner Consecutive weights that share m.
 * @returns Weights on the levels, of the shape of w.
 * @throws {RangeError} If w does not hold whole runs.
 * @see Zhou et al. 2016, arXiv:1606.06160
 */
export function dorefaWeights(w: Tensor, bits: number, inner: number): Tensor {
  const params = { channels: innerOf(w, inner), inner, bits };
  const { y } = run(dorefaKernels.forward, { w, range: rangesOf(w, inner) }, params);
  return differentiable(reshape(y, w.shape), [w], (dy) => {
    const { dw } = run(dorefaKernels.backward, { w, dy }, params);
    return [reshape(dw, w.shape)];
  });
}

/**
 * Makes weights binary or ternary with a mean magnitude as scale, straight-through where |w| <= 1.
 *
 *     binary:   y = sign(w) mean |w|
 *     ternary:  y = sign(w) mean(|w| where |w| > t) where |w| > t, else 0;  t = 0.7 mean |w|
 *
 * @param w Weights, any shape.
 * @param levels Two or three of them.
 * @param inner Consecutive weights that share a scale.
 * @returns Weights on the levels, of the shape of w.
 * @throws {RangeError} If w does not hold whole runs.
 * @see Rastegari et al. 2016, arXiv:1603.05279 (binary); Li et al. 2016, arXiv:1605.04711 (ternary)
 */
export function magnitudeWeights(w: Tensor, levels: "binary" | "ternary", inner: number): Tensor {
  const params = { channels: innerOf(w, inner), inner };
  const { scaleOut: scale, thresholdOut: threshold } = run(
    magnitudeLevelsKernels.measure,
    { w },
    params,
    { constants: { TERNARY: levels === "ternary" ? 1 : 0, LANES: w.device.isSoftware ? 8 : 64 } },
  );
  const { y } = run(magnitudeLevelsKernels.forward, { w, scale, threshold }, params);
  return differentiable(reshape(y, w.shape), [w], (dy) => {
    const { dw } = run(magnitudeLevelsKernels.backward, { w, dy }, params);
    return [reshape(dw, w.shape)];
  });
}
