import { formatShape, reshape, run, slice, type Tensor } from "../../../gpu/mod.ts";
import { patchesKernels, patchesParams } from "../../../kernels/mod.ts";

/** How a layer looks at its input. */
export interface LayerGeometry {
  /** Shape of its weight: `[outputs, inputs]`, or `[outputs, inputs / groups, height, width]`. */
  readonly weightShape: readonly number[];
  /** Of a convolution, both axes; 1 if left out. */
  readonly stride?: number;
  /** Of a convolution, zeros on all four sides; 0 if left out. */
  readonly padding?: number;
  /** Of a convolution: how many stand side by side; 1 if left out. */
  readonly groups?: number;
}

/** Rows of a matrix: inputs of one product of weights each. */
export interface Rows {
  /** `[groups, count, inputs]`. */
  readonly matrix: Tensor;
  readonly count: number;
}

/** Elements of the patches that are laid out at once: 64 MiB. */
const MOST_ELEMENTS = 2 ** 24;
/** Rows at once: sums over more of them would round too much in float32. */
const MOST_ROWS = 1024;

/** The inputs of a linear layer, whatever axes come before or are part of them. */
function* rowsOfLinear(label: string, x: Tensor, inputs: number): Generator<Rows> {
  const rows = x.size / inputs;
  if (!Number.isInteger(rows)) {
    throw new RangeError(
      `Cannot calibrate layer "${label}": a batch must be whole rows of ${inputs} inputs: its shape ` +
        `is ${formatShape(x.shape)}`,
    );
  }
  for (let first = 0; first < rows; first += MOST_ROWS) {
    const count = Math.min(MOST_ROWS, rows - first);
    yield { matrix: slice(x, first * inputs, [1, count, inputs]), count };
  }
}

/** The windows of a convolution, as many images at a time as fit. */
function* rowsOfConvolution(label: string, x: Tensor, geometry: LayerGeometry): Generator<Rows> {
  const { weightShape, groups = 1, stride, padding } = geometry;
  const [, channels, kernelHeight, kernelWidth] = weightShape;
  const [, inRows, inChannels, inHeight, inWidth] = x.shape;
  if (x.shape.length !== 5 || inChannels !== channels * groups) {
    throw new RangeError(
      `Cannot calibrate layer "${label}": a convolution of ${groups} groups of ${channels} channels ` +
        `needs images [1, rows, channels, height, width]: its input is ${formatShape(x.shape)}`,
    );
  }
  const shape = { inRows, groups, channels, inHeight, inWidth, kernelHeight, kernelWidth };
  const all = patchesParams({ ...shape, stride, padding });
  const positions = all.outHeight * all.outWidth;
  const features = channels * kernelHeight * kernelWidth;
  const fitting = Math.min(MOST_ELEMENTS / (groups * features), MOST_ROWS) / positions;
  const atOnce = Math.max(1, Math.floor(fitting));
  for (let firstRow = 0; firstRow < inRows; firstRow += atOnce) {
    const rows = Math.min(atOnce, inRows - firstRow);
    const params = { ...all, firstRow, rows };
    const { p } = run(patchesKernels.unfold, { x }, params);
    const count = rows * positions;
    yield { matrix: reshape(p, [groups, count, features]), count };
  }
}

/**
 * Lays out the inputs of a layer as rows that its weights are multiplied with.
 *
 * @param label Name of the layer, for errors.
 * @param x Its input, `[1, rows, ...]`.
 * @param geometry How it looks at that.
 * @returns A thousand rows or so at a time.
 * @throws {RangeError} If the shape does not fit the layer, with its name.
 */
export function rowsOf(label: string, x: Tensor, geometry: LayerGeometry): Generator<Rows> {
  return geometry.weightShape.length === 2
    ? rowsOfLinear(label, x, geometry.weightShape[1])
    : rowsOfConvolution(label, x, geometry);
}
