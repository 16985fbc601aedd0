import {
  defineKernels,
  type KernelCase,
  type Kernels,
  linearGrid,
  type Numbers,
} from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import source from "./patches.wgsl" with { type: "text" };

/** What a convolution looks at. */
export interface PatchShape {
  /** Images of the input. */
  readonly inRows: number;
  /** The first image whose windows are wanted; 0 if left out. */
  readonly firstRow?: number;
  /** How many images' windows are wanted; all if left out. */
  readonly rows?: number;
  /** Convolutions side by side; 1 if left out. */
  readonly groups?: number;
  /** Channels that one group sees. */
  readonly channels: number;
  /** Height of an image. */
  readonly inHeight: number;
  /** Width of an image. */
  readonly inWidth: number;
  /** Height of a filter. */
  readonly kernelHeight: number;
  /** Width of a filter. */
  readonly kernelWidth: number;
  /** Of both axes; 1 if left out. */
  readonly stride?: number;
  /** Zeros on all four sides; 0 if left out. */
  readonly padding?: number;
}

/**
 * Params of {@link patchesKernels}.
 *
 * @param shape Of input and filters.
 * @returns The params, with the height and width of the convolution's output.
 * @throws {RangeError} If the filters are larger than the padded image.
 */
export function patchesParams(shape: PatchShape): Numbers {
  const { inRows, firstRow = 0, rows = inRows, groups = 1, stride = 1, padding = 0 } = shape;
  const outHeight = Math.floor((shape.inHeight + 2 * padding - shape.kernelHeight) / stride) + 1;
  const outWidth = Math.floor((shape.inWidth + 2 * padding - shape.kernelWidth) / stride) + 1;
  if (outHeight < 1 || outWidth < 1) {
    throw new RangeError(
      `Cannot cut patches of ${shape.kernelHeight} x ${shape.kernelWidth}: the padded image must be ` +
        `as large: it is ${shape.inHeight + 2 * padding} x ${shape.inWidth + 2 * padding}`,
    );
  }
  return { ...shape, inRows, firstRow, rows, groups, stride, padding, outHeight, outWidth };
}

function patchesSize(p: Numbers): number {
  const features = p.channels * p.kernelHeight * p.kernelWidth;
  return p.groups * p.rows * p.outHeight * p.outWidth * features;
}

function sized(rows: number, size: number, kernel: number, more: Partial<PatchShape>): KernelCase {
  const square = { inHeight: size, inWidth: size + 1, kernelHeight: kernel, kernelWidth: kernel };
  return { params: patchesParams({ inRows: rows, channels: 2, ...square, ...more }) };
}

/** Lays the windows of a convolution out as a matrix, one row a position (im2col). */
export const patchesKernels: Kernels<"unfold"> = defineKernels({
  name: "patches",
  file: "kernels/patches/patches.wgsl",
  source,
  params: {
    inRows: "u32",
    firstRow: "u32",
    rows: "u32",
    groups: "u32",
    channels: "u32",
    inHeight: "u32",
    inWidth: "u32",
    kernelHeight: "u32",
    kernelWidth: "u32",
    outHeight: "u32",
    outWidth: "u32",
    stride: "u32",
    padding: "u32",
  },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: (p) => ({
    x: p.inRows * p.groups * p.channels * p.inHeight * p.inWidth,
    p: patchesSize(p),
  }),
  entries: {
    unfold: {
      reads: ["x"],
      writes: ["p"],
      flops: () => 0,
      touched: (p) => 2 * patchesSize(p),
    },
  },
  workgroups: (p, { WORKGROUP_SIZE }) => linearGrid(Math.ceil(patchesSize(p) / 4), WORKGROUP_SIZE),
  tolerance: "exact",
  reference({ x }, s) {
    const p = new Float64Array(patchesSize(s));
    let at = 0;
    const eachOf = (count: number, visit: (i: number) => void) => {
      for (let i = 0; i < count; i++) visit(i);
    };
    const position = (g: number, r: number, oy: number, ox: number) =>
      eachOf(s.channels, (c) =>
        eachOf(s.kernelHeight, (ky) =>
          eachOf(s.kernelWidth, (kx) => {
            const row = oy * s.stride + ky - s.padding;
            const column = ox * s.stride + kx - s.padding;
            const inside = row >= 0 && row < s.inHeight && column >= 0 && column < s.inWidth;
            const plane = (s.firstRow + r) * s.groups * s.channels + g * s.channels + c;
            p[at++] = inside ? x[(plane * s.inHeight + row) * s.inWidth + column] : 0;
          })));
    eachOf(
      s.groups,
      (g) =>
        eachOf(
          s.rows,
          (r) => eachOf(s.outHeight, (oy) => eachOf(s.outWidth, (ox) => position(g, r, oy, ox))),
        ),
    );
    return { p };
  },
  cases: [
    sized(1, 1, 1, { channels: 1 }),
    sized(3, 5, 3, { padding: 1 }),
    sized(5, 7, 3, { padding: 1, stride: 2, firstRow: 2, rows: 2 }),
    sized(2, 6, 2, { groups: 3, stride: 3 }),
    sized(2, 4, 5, { groups: 2, padding: 2, channels: 1 }),
  ],
  randomCase(random) {
    const kernel = randomInteger(random, 1, 3);
    const inRows = randomInteger(random, 1, 4);
    const firstRow = randomInteger(random, 0, inRows - 1);
    return sized(inRows, randomInteger(random, kernel, 8), kernel, {
      firstRow,
      rows: inRows - firstRow,
      groups: randomInteger(random, 1, 3),
      channels: randomInteger(random, 1, 3),
      stride: randomInteger(random, 1, 3),
      padding: randomInteger(random, 0, 2),
    });
  },
  benchCases: [sized(64, 32, 3, { channels: 16, padding: 1 })],
});
