import { reshape, run, type Tensor } from "../../gpu/mod.ts";
import {
  chooseLinearBytes,
  fitsLinearBytes,
  gatherKernels,
  linearBytesKernels,
  linearBytesParams,
} from "../../kernels/mod.ts";
import { markActivated } from "../relu_mask.ts";
import { differentiable } from "../tape.ts";
import { linear, type LinearOptions } from "./linear.ts";
import { reluGradient } from "./relu.ts";

/** A data set that stays on the GPU as bytes: `x = byte * scale + shift`, channel by channel. */
export interface ResidentPixels {
  /** Images in the set. */
  readonly count: number;
  /** 1 for gray, 3 for color. */
  readonly channels: number;
  /** Words of 4 pixels in one channel of an image. */
  readonly planeWords: number;
  /** `u32 [firstCount, channels, planeWords]`, 4 pixels a word, lowest byte first. */
  readonly pixels: Tensor;
  /** Images in `pixels`: those that the adapter binds at once. */
  readonly firstCount: number;
  /** The other images, shaped likewise; `pixels` once more where there are none. */
  readonly rest: Tensor;
  /** `[channels]`. */
  readonly scale: Tensor;
  /** `[channels]`. */
  readonly shift: Tensor;
  /** The scale of all channels, where it is one, there is no shift and `rest` is nothing. */
  readonly plainScale: number | undefined;
}

/** Images of a resident set by row number: a batch that has not been copied anywhere. */
export interface PixelRows {
  /** The set that they are in. */
  readonly source: ResidentPixels;
  /** `u32 [networks, rows]`, or `[1, rows]` shared by all networks. */
  readonly rows: Tensor;
}

/** Pixels of an image of a resident set. */
function pixelsOf({ channels, planeWords }: ResidentPixels): number {
  return 4 * channels * planeWords;
}

/**
 * Copies the images of a batch, as floats.
 *
 * @param batch Which images of which set.
 * @returns `[networks or 1, rows, pixels]`.
 */
export function gatherPixels({ source, rows }: PixelRows): Tensor {
  const { count, firstCount, channels, planeWords, pixels, rest, scale, shift } = source;
  const params = { batch: rows.size, count, firstCount, channels, planeWords };
  const flatRows = reshape(rows, [rows.size]);
  const { x } = run(gatherKernels.gather, { pixels, rest, rows: flatRows, scale, shift }, params);
  return reshape(x, [...rows.shape, pixelsOf(source)]);
}

/**
 * Applies a linear layer to images, straight from their bytes where that is faster.
 *
 * On a processor a load is what costs, and bytes are a quarter of them; on a GPU, or where sizes do
 * not fit, the images are gathered first. Both give the same layer, rounded differently.
 *
 * @param batch Which images of which set.
 * @param weight `[networks, outputs, pixels]`.
 * @param bias `[networks, outputs]`.
 * @param options Whether to rectify.
 * @returns `[networks, rows, outputs]`.
 * @throws {RangeError} If the shapes do not fit.
 */
export function linearOfPixels(
  batch: PixelRows,
  weight: Tensor,
  bias: Tensor,
  options: LinearOptions = {},
): Tensor {
  const { source, rows } = batch;
  const [networks, outputs, inputs] = weight.shape;
  const { plainScale, pixels, count } = source;
  const fits = weight.device.isSoftware && plainScale !== undefined &&
    inputs === pixelsOf(source) && fitsLinearBytes(inputs, outputs);
  if (!fits) return linear(gatherPixels(batch), weight, bias, options);

  const params = linearBytesParams({
    networks,
    batch: rows.shape[1],
    sharedRows: rows.shape[0] === 1,
    outputs,
    inputs,
    count,
    scale: plainScale,
  });
  const made = run(linearBytesKernels.forward, { pixels, rows, weight, bias }, params, {
    constants: { ...chooseLinearBytes(params), RELU: options.relu ? 1 : 0 },
  });
  const y = reshape(made.y, [networks, rows.shape[1], outputs]);
  if (options.relu) markActivated(y);
  return differentiable(y, [weight, bias], (gradient, [wantWeight, wantBias]) => {
    const dy = options.relu ? reluGradient(gradient, y) : gradient;
    const into = {
      ...wantWeight?.into && { dw: wantWeight.into },
      ...wantBias?.into && { db: wantBias.into },
    };
    const { dw, db } = run(
      linearBytesKernels.weightGradient,
      { vectors: pixels, rows, dy },
      params,
      { into },
    );
    return [reshape(dw, weight.shape), reshape(db, bias.shape)];
  });
}
