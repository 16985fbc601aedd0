import { affine, combine, reduceAxis } from "../../../autograd/mod.ts";
import {
  type Device,
  formatShape,
  readAll,
  reshape,
  run,
  type Tensor,
  zeros,
} from "../../../gpu/mod.ts";
import { chooseMatmul } from "../../../kernels/mod.ts";
import type { LayerHessian } from "./hessian.ts";
import { type LayerGeometry, type Rows, rowsOf } from "./layer_rows.ts";

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
   * @throws {RangeError} If the shape does not fit the layer, with its name.
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

/** Takes off rows what the first of them are in the mean, so that what is constant leaves nothing. */
function aroundMean(device: Device, shape: readonly number[]) {
  const offset = zeros(device, shape);
  let isFound = false;
  return {
    offset,
    less({ matrix, count }: Rows): Rows {
      if (!isFound) affine(reduceAxis("sum", matrix, 1), 1 / count, 0, offset);
      isFound = true;
      return { matrix: combine("subtract", matrix, offset), count };
    },
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

/** Sums of N vectors a_n - o, and o itself: `[groups, inputs]`. */
interface Sums {
  readonly sums: Float32Array;
  readonly offset: Float32Array;
}

/** 1 / N sum a_n. */
function meanOf({ sums, offset }: Sums, samples: number): Float64Array<ArrayBuffer> {
  return Float64Array.from(sums, (sum, i) => offset[i] + sum / samples);
}

/** 2 / N sum a_n b_n^T, of the sums of (a_n - o)(b_n - p)^T. */
function momentsOf(
  products: Float32Array,
  a: Sums,
  b: Sums,
  inputs: number,
  samples: number,
): Float64Array<ArrayBuffer> {
  return Float64Array.from(products, (product, at) => {
    const i = Math.floor(at / inputs); // group and input
    const j = Math.floor(i / inputs) * inputs + at % inputs;
    const shifts = a.sums[i] * b.offset[j] + a.offset[i] * b.sums[j];
    return 2 * ((product + shifts) / samples + a.offset[i] * b.offset[j]);
  });
}

/**
 * Makes room on the GPU for the second moments of a layer's inputs, to which batches are added.
 *
 *     H = 2 / N sum x_n x_n^T,   mu = 1 / N sum x_n
 *
 * One product of matrices for a thousand rows or so; convolutions are laid out as patches, group by group.
 * What is summed in float32 is x less its mean in the first rows, so an input that never changes adds
 * exactly as much as it should; what is read is put together in float64. The result agrees with float64
 * within 1e-5 sqrt(H_ii H_jj), as long as the first thousand rows are no worse than the rest: where they are
 * far away from all others, some 1e-4.
 *
 * @param device Where it runs; the sums belong to the scope of this call.
 * @param label Name of the layer, for errors.
 * @param geometry How the layer looks at its input.
 * @param options `cross` asks for moments against the inputs of another network too.
 * @returns What takes batches and gives the moments.
 * @see Frantar et al. 2022, arXiv:2210.17323; patches: Chellapilla et al. 2006; shifted sums: Chan,
 *   Golub and LeVeque 1983, doi:10.1080/00031305.1983.10483115
 */
export function accumulateMoments(
  device: Device,
  label: string,
  geometry: LayerGeometry,
  options: { readonly cross?: boolean } = {},
): MomentAccumulator {
  const { weightShape, groups = 1 } = geometry;
  const inputs = weightShape.slice(1).reduce((a, b) => a * b, 1);
  const room = () => ({
    around: aroundMean(device, [groups, 1, inputs]),
    second: runningSum(device, [groups, inputs, inputs]),
    first: runningSum(device, [groups, inputs]),
  });
  const own = room();
  const crossed = options.cross ? room() : undefined;
  let samples = 0;

  return {
    add(x, other) {
      if ((other !== undefined) !== (crossed !== undefined)) {
        throw new TypeError(
          `Cannot calibrate layer "${label}": the other network's inputs must be given if cross ` +
            "moments were asked for, and only then",
        );
      }
      if (other !== undefined && formatShape(other.shape) !== formatShape(x.shape)) {
        throw new RangeError(
          `Cannot calibrate layer "${label}": the inputs of both networks must be of one shape: they ` +
            `are ${formatShape(x.shape)} and ${formatShape(other.shape)}`,
        );
      }
      const given = rowsOf(label, x, geometry);
      const others = other && rowsOf(label, other, geometry);
      for (;;) {
        // patches and products of one part at a time
        using _part = device.scope();
        const next = given.next();
        if (next.done) return;
        const rows = own.around.less(next.value);
        const made = products(rows, rows);
        own.second.add(made.products);
        own.first.add(made.sums);
        if (crossed !== undefined) {
          const theirs = products(crossed.around.less(others!.next().value as Rows), rows);
          crossed.second.add(theirs.products);
          crossed.first.add(theirs.sums);
        }
        samples += rows.count;
      }
    },
    async read() {
      if (samples === 0) {
        throw new RangeError(`Cannot calibrate layer "${label}": it needs inputs: there are none`);
      }
      const rooms = [own, ...crossed ? [crossed] : []];
      const [sums, second, offset, ...others] = await readAll(
        rooms.flatMap((room) => [room.first.total(), room.second.total(), room.around.offset]),
      ) as Float32Array[];
      checkFinite(label, "its inputs", sums, inputs);
      checkFinite(label, "products of its inputs", second, inputs);
      const x = { sums, offset };
      const values = momentsOf(second, x, x, inputs, samples);
      const hessian = { groups, inputs, samples, values, mean: meanOf(x, samples) };
      if (!crossed) return { hessian };
      const [otherSums, otherSecond, otherOffset] = others;
      const y = { sums: otherSums, offset: otherOffset };
      const crossValues = momentsOf(otherSecond, y, x, inputs, samples);
      return { hessian, cross: { values: crossValues, mean: meanOf(y, samples) } };
    },
  };
}
