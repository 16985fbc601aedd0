import {
  defineKernels,
  type Device,
  type KernelCase,
  type Kernels,
  type Numbers,
} from "../../gpu/mod.ts";
import naiveSource from "./naive.wgsl" with { type: "text" };
import registerSource from "./register_tiled.wgsl" with { type: "text" };
import workgroupSource from "./workgroup_tiled.wgsl" with { type: "text" };
import {
  layoutOf,
  matmulEntries,
  type MatmulEntry,
  matmulMathematics,
  RECTIFYING,
  tileGrid,
} from "./spec.ts";

/** One output an invocation: the baseline. */
export const naiveMatmulKernels: Kernels<MatmulEntry> = defineKernels({
  ...matmulMathematics,
  variant: "naive",
  file: "kernels/matmul/naive.wgsl",
  source: naiveSource,
  constants: { WORKGROUP_SIZE: 8, RELU: 0 },
  entries: matmulEntries((k) => k, (k) => 2 * k),
  workgroups: (p, { WORKGROUP_SIZE }) => tileGrid(p, WORKGROUP_SIZE, WORKGROUP_SIZE),
  // the reference takes seconds beyond this, and the naive kernel too
  benchCases: matmulMathematics.benchCases!.filter(({ params }) => params.m <= 512),
});

/** Rows of a tile; it has 16 or 8 columns. */
const TILE_ROWS = 16;

/** The wider tile, unless it leaves a core idle or half of itself empty. */
function columnsOf({ batch, m, n }: Numbers): number {
  const isBusy = batch * Math.ceil(m / TILE_ROWS) * Math.ceil(n / 16) >= 16;
  const isFull = Math.ceil(n / 8) % 2 === 0 || n > 128;
  return isBusy && isFull ? 16 : 8;
}

/** A case in tiles of each width, by whole vectors where every axis is a multiple of 4. */
function tilings({ params, constants = {} }: KernelCase, widths: readonly number[]): KernelCase[] {
  const ALIGNED = [params.m, params.n, params.k].every((size) => size % 4 === 0) ? 1 : 0;
  return widths.flatMap((COLUMNS) => {
    const plain = { params, constants: { ALIGNED, COLUMNS } };
    // other entries ignore RELU, and would be compiled once more
    const rectified = { params, constants: { ALIGNED, COLUMNS, RELU: 1 }, entries: RECTIFYING };
    return constants.RELU === 1 ? [plain, rectified] : [plain];
  });
}

/** 16 x 16 or 16 x 8 outputs an invocation in registers: for software adapters. */
export const registerMatmulKernels: Kernels<MatmulEntry> = defineKernels({
  ...matmulMathematics,
  variant: "register_tiled",
  file: "kernels/matmul/register_tiled.wgsl",
  source: registerSource,
  constants: { ALIGNED: 0, COLUMNS: 16, RELU: 0, WORKGROUP_SIZE: 8 },
  // row sums walk over k once more, after the product
  entries: matmulEntries((k) => Math.ceil(k / 4), (k) => 2 * Math.ceil(k / 4)),
  workgroups: ({ batch, m, n }, { COLUMNS, WORKGROUP_SIZE }) => {
    const tiles = Math.ceil(m / TILE_ROWS) * Math.ceil(n / COLUMNS);
    return [Math.ceil(tiles / WORKGROUP_SIZE), 1, batch];
  },
  cases: matmulMathematics.cases.flatMap((one) => tilings(one, [8, 16])),
  randomCase: (random) =>
    tilings(matmulMathematics.randomCase!(random), [random() < 0.5 ? 8 : 16])[0],
  // as chooseMatmul() runs them: every axis is a multiple of 4
  benchCases: matmulMathematics.benchCases!.map((one) => ({
    ...one,
    constants: { ALIGNED: 1, COLUMNS: columnsOf(one.params) },
  })),
});

/** Sides of the block that a workgroup of the GPU variant computes. */
const BLOCK = 64;

/** Blocks of 16 steps, and 4 iterations each for products and, at most, for row sums. */
const blockLoops = (k: number): number => Math.ceil(k / 16) * 9;

/** 64 x 64 outputs a workgroup of 256, operands staged in workgroup memory: for GPUs. */
export const workgroupMatmulKernels: Kernels<MatmulEntry> = defineKernels({
  ...matmulMathematics,
  variant: "workgroup_tiled",
  file: "kernels/matmul/workgroup_tiled.wgsl",
  source: workgroupSource,
  constants: { RELU: 0 },
  entries: matmulEntries(blockLoops, blockLoops),
  workgroups: (p) => tileGrid(p, BLOCK, BLOCK),
});

/** A variant, and the constants that fit the shapes at hand. */
export interface ChosenMatmul {
  /** The variant. */
  readonly kernels: Kernels<MatmulEntry>;
  /** Its constants for these shapes. */
  readonly constants: Numbers;
}

/**
 * Tells whether the register-tiled variant may load whole vectors.
 *
 * @param params Params of the product.
 * @param entry The entry point.
 * @returns True if every axis and stride that a vector runs along is a multiple of 4.
 */
export function isAligned(params: Numbers, entry: MatmulEntry): boolean {
  const { m, n, k, aStride, bStride } = params;
  const { aByK, bByK } = layoutOf(entry);
  const along = [k, aStride, bStride, aByK ? m : 4, bByK ? n : 4];
  return along.every((size) => size % 4 === 0);
}

/**
 * Chooses how to multiply on an adapter.
 *
 * On a processor a big register tile wins and workgroup memory halves the speed; on a GPU it is the
 * other way round.
 *
 * @param device Where it will run.
 * @param params Params of the product.
 * @param entry The entry point.
 * @returns The variant and its constants.
 */
export function chooseMatmul(device: Device, params: Numbers, entry: MatmulEntry): ChosenMatmul {
  if (!device.isSoftware) return { kernels: workgroupMatmulKernels, constants: {} };
  return {
    kernels: registerMatmulKernels,
    constants: { ALIGNED: isAligned(params, entry) ? 1 : 0, COLUMNS: columnsOf(params) },
  };
}
