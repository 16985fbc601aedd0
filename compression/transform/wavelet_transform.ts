import { formatShape, reshape, run, type Tensor, tensor } from "../../gpu/mod.ts";
import {
  type Bands,
  type BoundaryMode,
  coefficientCount,
  type Details,
  dwtAnalysisKernels,
  dwtSynthesisKernels,
  type FilterBank,
  filterBank,
  fitsHaarKernels,
  haarAnalysisKernels,
  haarSynthesisKernels,
  halvedShape,
  type ImageShape,
  packFilters,
  type Pyramid,
  pyramidShapes,
} from "../../kernels/mod.ts";

/** Which wavelet transform. */
export interface WaveletOptions {
  /** PyWavelets' name of the filters, such as `haar`, `db2` or `bior4.4`. */
  readonly wavelet: string;
  /** What stands beyond the ends; periodization if left out. */
  readonly mode?: BoundaryMode;
  /** How often the approximation is transformed again; 1 if left out. */
  readonly levels?: number;
}

/** All pairs of two taps are Haar's. */
function hasOnePass(bank: FilterBank, shape: ImageShape): boolean {
  return bank.taps === 2 && fitsHaarKernels(shape.width);
}

function analyze(x: Tensor, shape: ImageShape, bank: FilterBank, mode: BoundaryMode) {
  const { batch, height, width } = shape;
  const halved = halvedShape(shape, bank.taps, mode);
  const shapeBand = (band: Tensor) => reshape(band, [batch, halved.height, halved.width]);
  if (hasOnePass(bank, shape)) {
    const made = run(haarAnalysisKernels.analysis, { x }, { batch, height, width });
    return {
      approximation: shapeBand(made.approximation),
      horizontal: shapeBand(made.horizontal),
      vertical: shapeBand(made.vertical),
      diagonal: shapeBand(made.diagonal),
    };
  }
  const filters = tensor(x.device, packFilters(bank.decLo, bank.decHi));
  const common = { taps: bank.taps, periodic: mode === "periodization" ? 1 : 0 };
  const split = (from: Tensor, outer: number, length: number, inner: number) =>
    run(dwtAnalysisKernels.analysis, { x: from, filters }, { outer, length, inner, ...common });
  const rows = split(x, batch * height, width, 1);
  const left = split(rows.low, batch, height, halved.width);
  const right = split(rows.high, batch, height, halved.width);
  return {
    approximation: shapeBand(left.low),
    horizontal: shapeBand(left.high),
    vertical: shapeBand(right.low),
    diagonal: shapeBand(right.high),
  };
}

function synthesize(
  bands: Bands<Tensor>,
  shape: ImageShape,
  bank: FilterBank,
  mode: BoundaryMode,
): Tensor {
  const { batch, height, width } = shape;
  const { approximation, horizontal, vertical, diagonal } = bands;
  if (hasOnePass(bank, shape)) {
    const { y } = run(
      haarSynthesisKernels.synthesis,
      { approximation, horizontal, vertical, diagonal },
      { batch, height, width },
    );
    return reshape(y, [batch, height, width]);
  }
  const filters = tensor(approximation.device, packFilters(bank.recLo, bank.recHi));
  const common = { taps: bank.taps, periodic: mode === "periodization" ? 1 : 0 };
  const join = (low: Tensor, high: Tensor, outer: number, length: number, inner: number) =>
    run(
      dwtSynthesisKernels.synthesis,
      { low, high, filters },
      { outer, length, inner, ...common },
    ).y;
  const inner = coefficientCount(width, bank.taps, mode);
  const left = join(approximation, horizontal, batch, height, inner);
  const right = join(vertical, diagonal, batch, height, inner);
  return reshape(join(left, right, batch * height, width, 1), [batch, height, width]);
}

/**
 * Transforms images into wavelet coefficients on the GPU, as PyWavelets' `wavedec2`.
 *
 * A level halves both sides: 3 dispatches, or 1 for Haar where the width is a multiple of 8.
 *
 * @param images `[batch, height, width]`.
 * @param options Wavelet, boundary mode, levels.
 * @returns The coarsest approximation, and the details of every level, coarsest first; each band
 *   `[batch, height, width]` of its own size.
 * @throws {UserError} If the wavelet is unknown.
 * @throws {RangeError} If the tensor is not a stack of images.
 *
 * @see Mallat 1989, doi:10.1109/34.192463
 */
export function decompose(images: Tensor, options: WaveletOptions): Pyramid<Tensor> {
  const { wavelet, mode = "periodization", levels = 1 } = options;
  const bank = filterBank(wavelet);
  const [batch, height, width] = images.shape;
  if (images.shape.length !== 3 || images.size === 0) {
    throw new RangeError(
      "Cannot decompose a tensor: it must be [batch, height, width], none of them 0: current " +
        `shape is ${formatShape(images.shape)}`,
    );
  }
  const shapes = pyramidShapes({ batch, height, width }, bank.taps, mode, levels);
  const details: Details<Tensor>[] = [];
  let approximation = images;
  for (const shape of shapes.slice(0, levels)) {
    const bands = analyze(approximation, shape, bank, mode);
    const { horizontal, vertical, diagonal } = bands;
    details.unshift({ horizontal, vertical, diagonal });
    approximation = bands.approximation;
  }
  return { approximation, details };
}

/**
 * Transforms wavelet coefficients back into images on the GPU, as PyWavelets' `waverec2`.
 *
 * @param pyramid What {@link decompose} gave; the batch may differ.
 * @param size Height and width of the images.
 * @param options The same as for {@link decompose}; `levels` follows from the pyramid.
 * @returns `[batch, height, width]`.
 * @throws {UserError} If the wavelet is unknown.
 * @throws {RangeError} If the bands do not fit the images.
 */
export function reconstruct(
  pyramid: Pyramid<Tensor>,
  size: { readonly height: number; readonly width: number },
  options: WaveletOptions,
): Tensor {
  const { wavelet, mode = "periodization" } = options;
  const bank = filterBank(wavelet);
  const { approximation, details } = pyramid;
  const levels = details.length;
  const shape = { batch: approximation.shape[0], height: size.height, width: size.width };
  const shapes = pyramidShapes(shape, bank.taps, mode, levels);
  return details.reduce(
    (joined, level, i) =>
      synthesize({ approximation: joined, ...level }, shapes[levels - 1 - i], bank, mode),
    approximation,
  );
}
