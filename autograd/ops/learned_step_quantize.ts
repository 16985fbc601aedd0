import { formatShape, type Numbers, reshape, run, type Tensor } from "../../gpu/mod.ts";
import {
  channelMode,
  LEARNED_LEVELS,
  lsqKernels as kernels,
  lsqParams,
} from "../../kernels/mod.ts";
import { differentiable, type Vjp } from "../tape.ts";

/** What learns, and what the levels are; every tensor has one element a channel, two in `limits`. */
export interface LearnedGrid {
  /** Distance of two neighbors on the grid, `[channels]` in any shape. */
  readonly step: Tensor;
  /** What level 0 stands for, for LSQ+; 0 if left out. */
  readonly offset?: Tensor;
  /** Least and largest level of every channel, `[channels, 2]`; -1 and 1 where levels are signs. */
  readonly limits: Tensor;
  /** Elements between two neighbors on the channel axis. */
  readonly inner: number;
  /** `integers` if left out; `signs` is one bit that knows no 0, `continuous` only clips. */
  readonly levels?: keyof typeof LEARNED_LEVELS;
  /**
   * N of the gradient's scale: elements that share a step, counted in one image where x is an
   * activation. Not scaled if left out.
   */
  readonly count?: number;
  /** What the step is not smaller than, whatever is learned; {@link LEAST_STEP} if left out. */
  readonly floor?: number;
}

/** Grids of which the end of the range is learned, not the step. */
export interface LearnedClip extends Omit<LearnedGrid, "step" | "offset" | "levels" | "count"> {
  /** Value of the largest level, `[channels]` in any shape. */
  readonly clip: Tensor;
}

/** What a learned step is not smaller than, wherever it is used: in training, after it and in files. */
export const LEAST_STEP: number = 2 ** -20;

function check(x: Tensor, step: Tensor, { limits, inner, offset }: Omit<LearnedGrid, "step">) {
  const channels = step.size;
  if (x.size % (channels * inner) === 0 && limits.size === 2 * channels) {
    if (offset === undefined || offset.size === channels) return;
  }
  throw new RangeError(
    `Cannot quantize x with ${channels} learned steps: it must hold whole groups of ${channels} ` +
      `channels x ${inner} elements, and every step needs 2 limits: x is ${
        formatShape(x.shape)
      }, ` +
      `limits are ${formatShape(limits.shape)}`,
  );
}

/** Forward pass, and the gradients of x, step and offset. */
function quantize(x: Tensor, grid: LearnedGrid, CLIP: number): { y: Tensor; vjp: Vjp } {
  const { step, limits, inner, levels = "integers", count = 0, floor = LEAST_STEP } = grid;
  check(x, step, grid);
  const params = lsqParams({ size: x.size, channels: step.size, inner, count, floor });
  const constants: Numbers = {
    CHANNELS: channelMode(step.size, inner),
    LEVELS: LEARNED_LEVELS[levels],
    OFFSET: grid.offset === undefined ? 0 : 1,
    CLIP,
  };
  const { gridOut } = run(kernels.prepare, { step, limits }, params, { constants });
  // without an offset the shader does not read it, whatever is bound in its place
  const inputs = { x, grid: gridOut, offset: grid.offset ?? step };
  const { y } = run(kernels.forward, inputs, params, { constants });
  const vjp: Vjp = (dy, [wantX, wantStep, wantOffset]) => {
    let dx, dStep, dOffset: Tensor | undefined;
    if (wantX !== undefined) {
      const made = run(kernels.inputGradient, { ...inputs, dy }, params, { constants });
      dx = reshape(made.dx, x.shape);
    }
    if (wantStep !== undefined || wantOffset !== undefined) {
      const { partialsOut } = run(kernels.stepSums, { ...inputs, dy }, params, { constants });
      const made = run(kernels.stepGradient, { grid: gridOut, partials: partialsOut }, params, {
        constants: { ...constants, LANES: x.device.isSoftware ? 8 : 64 },
        into: {
          ...wantStep?.into && { dStep: wantStep.into },
          ...wantOffset?.into && { dOffset: wantOffset.into },
        },
      });
      dStep = reshape(made.dStep, step.shape);
      dOffset = reshape(made.dOffset, (grid.offset ?? step).shape);
    }
    return [dx, dStep, dOffset];
  };
  return { y: reshape(y, x.shape), vjp };
}

/**
 * Snaps `x` to a grid whose step is learned, and differentiates by both.
 *
 *     v = (x - offset) / s,   y = clamp(round(v), qMin, qMax) s + offset,   s = max(step, floor)
 *
 * The gradients are those of y with the rounding error held constant (straight-through), so they
 * reach x wherever v is from qMin to qMax, and the step gets `round(v) - v` inside and the limit
 * outside, both times `1 / sqrt(count qMax)`. A step at the floor still gets its gradient, to come
 * back. `1 / s` is taken once a step on the GPU and multiplied by; a level is what the adapter finds
 * with it.
 *
 * Channels may be networks of a population, or channels of networks; limits are tensors, so
 * different bit-widths are one dispatch.
 *
 * @param x Values, any shape `[outer..., channels, inner...]`.
 * @param grid Steps, limits and what the levels are.
 * @returns Values on the grid, in the units and shape of `x`.
 * @throws {RangeError} If x, limits and offsets do not fit the steps.
 * @see Esser et al. 2020, arXiv:1902.08153 (LSQ); Bhalgat et al. 2020, arXiv:2004.09576 (LSQ+)
 */
export function learnedStepQuantize(x: Tensor, grid: LearnedGrid): Tensor {
  const { y, vjp } = quantize(x, grid, 0);
  const inputs = grid.offset === undefined ? [x, grid.step] : [x, grid.step, grid.offset];
  return differentiable(y, inputs, vjp);
}

/**
 * Clips `x` at a learned value and snaps it to the grid of equal steps up to it (PACT).
 *
 *     s = clip / qMax,   y = clamp(round(x / s), 0, qMax) s
 *
 * `clip` gets the gradient of what it cuts off, `dclip = sum of dy where x > clip`; the rounding is
 * straight-through.
 *
 * @param x Values, any shape `[outer..., channels, inner...]`.
 * @param grid Clips and limits; `qMin` is 0.
 * @returns Values on the grid, in the units and shape of `x`.
 * @throws {RangeError} If x and limits do not fit the clips.
 * @see Choi et al. 2018, arXiv:1805.06085
 */
export function learnedClipQuantize(x: Tensor, { clip, ...grid }: LearnedClip): Tensor {
  const { y, vjp } = quantize(x, { ...grid, step: clip }, 1);
  return differentiable(y, [x, clip], vjp);
}
