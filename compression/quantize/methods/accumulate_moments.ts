import { combine } from "../../../autograd/mod.ts";
import {
  type Device,
  formatShape,
  readAll,
  reshape,
  run,
  type Tensor,
  zeros,
} from "../../../gpu/mod.ts";
import { chooseMatmul, patchesKernels, patchesParams } from "../../../kernels/mod.ts";
import type { LayerHessian } from "./hessian.ts";

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

/** What the inputs of a layer have in common with those that another network gives it. */
export interface CrossMoments {
  /** 2 / N sum of x'_n x_n^T of each group: x' of the other network, `[groups, inputs, inputs]`. */
  readonly values: Float64Array<ArrayBuffer>;
  /** Mean x' of each group, `[groups, inputs]`. */
  readonly mean: Float64Array<ArrayBuffer>;
}

/** What calibration says about the inputs of one layer. */
export interface LayerMoments {
  /** Second moments and means. */
  readonly hessian: LayerHessian;
  /** Against the inputs of another network, such as the one before quantization, if it was given. */
  readonly cross?: CrossMoments;
}

/** Sums over calibration activations that stay on the GPU until they are read. */
export interface MomentAccumulator {
  /**
   * Adds a batch.
   *
   * @param x Input of the layer, `[1, rows, ...]`.
   * @param other Input of the same layer in another network, for the same rows.
   * @throws {TypeError} If cross moments were asked for and `other` is missing, or the other way round.
   * @throws {RangeError} If the shape does not fit the layer, or a linear layer gets more than 32768 rows,
   *   with the layer's name.
   */
  add(x: Tensor, other?: Tensor): void;
  /**
   * Waits for the GPU and gives the moments of all batches.
   *
   * @returns The moments.
   * @throws {RangeError} If there were no inputs, or they are not finite, with the layer's name.
   */
  read(): Promise<LayerMoments>;
}

/** Elements of the patches that are laid out at once: 64 MiB. */
const MOST_ELEMENTS = 2 ** 24;
/** Rows of a product: beyond, an invocation would loop too often, and float32 would round too much. */
const MOST_ROWS = 32_768;

/** Rows of a matrix: inputs of one product of weights each. */
interface Rows {
  /** `[groups, count, inputs]`. */
  readonly matrix: Tensor;
  readonly count: number;
}

/** The inputs of a linear layer, whatever axes come before or are part of them. */
function* rowsOfLinear(label: string, x: Tensor, inputs: number): Generator<Rows> {
  const count = x.size / inputs;
  if (!Number.isInteger(count) || count > MOST_ROWS) {
    throw new RangeError(
      `Cannot calibrate layer "${label}": a batch must be at most ${MOST_ROWS} rows of ${inputs} ` +
        `inputs: its shape is ${formatShape(x.shape)}`,
    );
  }
  yield { matrix: reshape(x, [1, count, inputs]), count };
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

function rowsOf(label: string, x: Tensor, geometry: LayerGeometry): Generator<Rows> {
  return geometry.weightShape.length === 2
    ? rowsOfLinear(label, x, geometry.weightShape[1])
    : rowsOfConvolution(label, x, geometry);
}

/** A sum that grows on the GPU: two buffers in turn, since none may be read and written at once. */
function runningSum(device: Device, shape: readonly number[]) {
  let [total, spare] = [zeros(device, shape), zeros(device, shape)];
  return {
    add(part: Tensor) {
      combine("add", total, part, spare);
      [total, spare] = [spare, total];
    },
    total: () => total,
  };
}

/** Sum of a_n b_n^T and of a_n, in one dispatch. */
function products(a: Rows, b: Rows): { products: Tensor; sums: Tensor } {
  const { device, shape: [groups, rows, inputs] } = a.matrix;
  const stride = groups === 1 ? 0 : rows * inputs;
  const params = {
    batch: groups,
    m: inputs,
    n: inputs,
    k: rows,
    aStride: stride,
    bStride: stride,
    biasStride: 0,
  };
  const { kernels, constants } = chooseMatmul(device, params, "tnRowSum");
  const made = run(kernels.tnRowSum, { a: a.matrix, b: b.matrix }, params, { constants });
  return {
    products: reshape(made.c, [groups, inputs, inputs]),
    sums: reshape(made.rowSum, [groups, inputs]),
  };
}

function checkFinite(label: string, what: string, values: Float32Array, inputs: number): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(
      `Cannot calibrate layer "${label}": ${what} must be finite: input ${bad % inputs} sums to ` +
        `${values[bad]}`,
    );
  }
}

/**
 * Makes room on the GPU for the second moments of a layer's inputs, to which batches are added.
 *
 *     H = 2 / N sum x_n x_n^T,   mu = 1 / N sum x_n
 *
 * One product of matrices a batch; convolutions are laid out as patches, group by group. Sums are
 * float32 and agree with float64 within 1e-5 sqrt(H_ii H_jj); what is read is divided in float64.
 *
 * @param device Where it runs; the sums belong to the scope of this call.
 * @param label Name of the layer, for errors.
 * @param geometry How the layer looks at its input.
 * @param options `cross` asks for moments against the inputs of another network too.
 * @returns What takes batches and gives the moments.
 * @see Frantar et al. 2022, arXiv:2210.17323; patches: Chellapilla et al. 2006
 */
export function accumulateMoments(
  device: Device,
  label: string,
  geometry: LayerGeometry,
  options: { readonly cross?: boolean } = {},
): MomentAccumulator {
  const { weightShape, groups = 1 } = geometry;
  const inputs = weightShape.slice(1).reduce((a, b) => a * b, 1);
  const square = [groups, inputs, inputs];
  const second = runningSum(device, square);
  const first = runningSum(device, [groups, inputs]);
  const crossed = options.cross
    ? { second: runningSum(device, square), first: runningSum(device, [groups, inputs]) }
    : undefined;
  let samples = 0;

  return {
    add(x, other) {
      if ((other !== undefined) !== (crossed !== undefined)) {
        throw new TypeError(
          `Cannot calibrate layer "${label}": the other network's inputs must be given if cross ` +
            "moments were asked for, and only then",
        );
      }
      using _scope = device.scope();
      const others = other && rowsOf(label, other, geometry);
      for (const rows of rowsOf(label, x, geometry)) {
        const own = products(rows, rows);
        second.add(own.products);
        first.add(own.sums);
        if (others !== undefined) {
          const theirs = products(others.next().value as Rows, rows);
          crossed!.second.add(theirs.products);
          crossed!.first.add(theirs.sums);
        }
        samples += rows.count;
      }
    },
    async read() {
      if (samples === 0) {
        throw new RangeError(`Cannot calibrate layer "${label}": it needs inputs: there are none`);
      }
      const sums = [first, second, ...crossed ? [crossed.first, crossed.second] : []];
      const read = await readAll(sums.map((sum) => sum.total())) as Float32Array[];
      checkFinite(label, "its inputs", read[0], inputs);
      checkFinite(label, "products of its inputs", read[1], inputs);
      const divided = (values: Float32Array, factor: number) =>
        Float64Array.from(values, (value) => value * factor / samples);
      const [mean, values, otherMean, otherValues] = read.map((sum, i) => divided(sum, 1 + i % 2));
      const hessian = { groups, inputs, samples, values, mean };
      return crossed ? { hessian, cross: { values: otherValues, mean: otherMean } } : { hessian };
    },
  };
}
