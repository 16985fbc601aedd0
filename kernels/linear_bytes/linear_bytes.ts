import { defineKernels, type Kernels, type Numbers } from "../../gpu/mod.ts";
import { randomInteger, randomWords } from "../random_source.ts";
import source from "./linear_bytes.wgsl" with { type: "text" };

/** Sizes of a linear layer on a resident data set. */
export interface LinearBytesShape {
  /** Networks of the population. */
  readonly networks: number;
  /** Rows of each network. */
  readonly batch: number;
  /** All networks look at the same rows. */
  readonly sharedRows: boolean;
  /** Units of the layer. */
  readonly outputs: number;
  /** Pixels of an image. */
  readonly inputs: number;
  /** Images in the set. */
  readonly count: number;
  /** What a byte is multiplied by. */
  readonly scale: number;
}

/** Pixels of an image at most, which keeps the passes of {@link passesOfWorkgroup} below 65,535. */
const MOST_INPUTS = 2 ** 14;

/**
 * Passes of the loop over words that lavapipe counts, which stops silently after 65,535: those of all lanes
 * together, because each leaves it at a word of its own.
 */
function passesOfWorkgroup({ inputs }: Numbers, { WORKGROUP_SIZE }: Numbers): number {
  return (WORKGROUP_SIZE + 1) * (inputs / 4 + 1);
}

/**
 * Tells whether a layer can be computed from bytes.
 *
 * @param inputs Pixels of an image.
 * @param outputs Units of the layer.
 * @returns True if vectors of 16 pixels and of 4 units divide them, and there are 16,384 pixels at most.
 */
export function fitsLinearBytes(inputs: number, outputs: number): boolean {
  return inputs % 16 === 0 && inputs <= MOST_INPUTS && outputs % 4 === 0;
}

/**
 * Params of a linear layer on a resident data set.
 *
 * @param shape Its sizes.
 * @returns What both kernels take.
 * @throws {RangeError} If the sizes do not fit; see {@link fitsLinearBytes}.
 */
export function linearBytesParams(shape: LinearBytesShape): Numbers {
  const { networks, batch, sharedRows, outputs, inputs, count, scale } = shape;
  if (!fitsLinearBytes(inputs, outputs)) {
    throw new RangeError(
      `Cannot compute a layer from bytes: inputs must be a multiple of 16, ${MOST_INPUTS} at most, ` +
        `and outputs of 4: ${inputs} and ${outputs}`,
    );
  }
  const rowsStride = sharedRows || networks === 1 ? 0 : batch;
  return { networks, batch, rowsStride, outputs, inputs, count, scale };
}

/**
 * Chooses the tile of the forward pass: the wider one, unless it leaves a core idle or half of itself
 * empty.
 *
 * @param params From {@link linearBytesParams}.
 * @returns Constants of `linearBytesKernels.forward`.
 */
export function chooseLinearBytes({ networks, batch, outputs }: Numbers): Numbers {
  const isBusy = networks * Math.ceil(batch / 16) * Math.ceil(outputs / 16) >= 16;
  return { COLUMNS: isBusy && Math.ceil(outputs / 8) % 2 === 0 ? 16 : 8 };
}

const layer = (
  networks: number,
  batch: number,
  outputs: number,
  inputs: number,
  sharedRows: boolean = false,
): Numbers =>
  linearBytesParams({ networks, batch, sharedRows, outputs, inputs, count: 20, scale: 1 / 255 });

/** A linear layer straight from the bytes of a resident data set, and its gradients. */
export const linearBytesKernels: Kernels<"forward" | "weightGradient"> = defineKernels({
  name: "linear_bytes",
  file: "kernels/linear_bytes/linear_bytes.wgsl",
  source,
  params: {
    networks: "u32",
    batch: "u32",
    rowsStride: "u32",
    outputs: "u32",
    inputs: "u32",
    count: "u32",
    scale: "f32",
  },
  constants: { COLUMNS: 16, RELU: 0, WORKGROUP_SIZE: 8 },
  lengths: ({ networks, batch, rowsStride, outputs, inputs, count }) => ({
    pixels: count * inputs / 4,
    vectors: count * inputs / 4,
    rows: (networks - 1) * rowsStride + batch,
    weight: networks * outputs * inputs,
    bias: networks * outputs,
    y: networks * batch * outputs,
    dy: networks * batch * outputs,
    dw: networks * outputs * inputs,
    db: networks * outputs,
  }),
  entries: {
    forward: {
      reads: ["pixels", "rows", "weight", "bias"],
      writes: ["y"],
      flops: ({ networks, batch, outputs, inputs }) => 2 * networks * batch * outputs * inputs,
      touched: ({ networks, batch, outputs, inputs }) =>
        networks * (batch * inputs / 4 + outputs * inputs + batch * outputs),
      workgroups: ({ networks, batch, outputs }, { COLUMNS, WORKGROUP_SIZE }) => {
        const tiles = Math.ceil(batch / 16) * Math.ceil(outputs / COLUMNS);
        return [Math.ceil(tiles / WORKGROUP_SIZE), 1, networks];
      },
      loopIterations: passesOfWorkgroup,
    },
    weightGradient: {
      reads: ["vectors", "rows", "dy"],
      writes: ["dw", "db"],
      flops: ({ networks, batch, outputs, inputs }) => 2 * networks * batch * outputs * inputs,
      touched: ({ networks, batch, outputs, inputs }) =>
        networks * (batch * inputs / 4 + outputs * inputs + batch * outputs),
      workgroups: ({ networks, outputs, inputs }, { WORKGROUP_SIZE }) => {
        const tiles = Math.ceil(outputs / 8) * inputs / 16;
        return [Math.ceil(tiles / WORKGROUP_SIZE), 1, networks];
      },
      loopIterations: ({ batch }) => Math.ceil(batch / 4),
    },
  },
  workgroups: () => [0, 0, 0],
  // roundings of partial sums that grow like sqrt(terms), in units of a pixel's value
  tolerance: ({ inputs, batch }, entry) => ({
    absolute: 1.2e-7 * (entry === "forward" ? inputs : batch) + 2e-6,
    relative: 2e-6,
  }),
  generate: {
    pixels: randomWords,
    vectors: randomWords,
    rows: (random, { count }, length) =>
      Array.from({ length }, () => randomInteger(random, 0, count - 1)),
  },
  reference({ pixels, vectors, rows, weight, bias, dy }, p, { RELU }, entry) {
    const { networks, batch, rowsStride, outputs, inputs } = p;
    const scale = Math.fround(p.scale);
    const y = new Float64Array(networks * batch * outputs);
    const dw = new Float64Array(networks * outputs * inputs);
    const db = new Float64Array(networks * outputs);
    const words = entry === "forward" ? pixels : vectors;
    for (let n = 0; n < networks; n++) {
      for (let r = 0; r < batch; r++) {
        const image = rows[n * rowsStride + r] * inputs / 4;
        const x = Float64Array.from(
          { length: inputs },
          (_, k) => scale * ((words[image + (k >> 2)] >>> (8 * (k & 3))) & 255),
        );
        for (let o = 0; o < outputs; o++) {
          const at = (n * batch + r) * outputs + o;
          const first = (n * outputs + o) * inputs;
          if (entry === "forward") {
            let sum = bias[n * outputs + o];
            for (let k = 0; k < inputs; k++) sum += x[k] * weight[first + k];
            y[at] = RELU === 1 ? Math.max(sum, 0) : sum;
          } else {
            db[n * outputs + o] += dy[at];
            for (let k = 0; k < inputs; k++) dw[first + k] += dy[at] * x[k];
          }
        }
      }
    }
    return { y, dw, db };
  },
  cases: [
    { params: layer(1, 1, 4, 16) },
    { params: layer(1, 64, 64, 784), constants: { RELU: 1 } },
    { params: layer(2, 19, 12, 32), constants: { COLUMNS: 8 } },
    { params: layer(3, 6, 20, 48, true), constants: { COLUMNS: 8, RELU: 1 } },
  ],
  randomCase: (random) => ({
    params: layer(
      randomInteger(random, 1, 3),
      randomInteger(random, 1, 40),
      4 * randomInteger(random, 1, 6),
      16 * randomInteger(random, 1, 5),
      random() < 0.5,
    ),
    constants: { COLUMNS: random() < 0.5 ? 8 : 16, RELU: randomInteger(random, 0, 1) },
  }),
  benchCases: [64, 1024].map((batch) => {
    const params = layer(1, batch, 64, 784);
    return { params, constants: chooseLinearBytes(params) };
  }),
});
