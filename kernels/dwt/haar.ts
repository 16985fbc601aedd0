import {
  defineKernels,
  type KernelCase,
  type Kernels,
  linearGrid,
  type Numbers,
} from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import { filterBank } from "./filters.ts";
import analysisSource from "./haar_analysis.wgsl" with { type: "text" };
import synthesisSource from "./haar_synthesis.wgsl" with { type: "text" };
import { type ImageShape, referenceAnalysis, referenceSynthesis } from "./reference_2d.ts";

const haar = filterBank("haar");
const BANDS = ["approximation", "horizontal", "vertical", "diagonal"] as const;

function shapeOf({ batch, height, width }: Numbers): ImageShape {
  return { batch, height, width };
}

function bandSize({ batch, height, width }: Numbers): number {
  return batch * Math.ceil(height / 2) * width / 2;
}

function bandLengths(params: Numbers): Record<(typeof BANDS)[number], number> {
  const size = bandSize(params);
  return { approximation: size, horizontal: size, vertical: size, diagonal: size };
}

function haarCase(batch: number, height: number, width: number): KernelCase {
  return { params: { batch, height, width } };
}

/** Pixels of one row of blocks that an invocation transforms: two vectors. */
const WIDTH_MULTIPLE = 8;

const shared = {
  name: "haar_2d",
  params: { batch: "u32", height: "u32", width: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  workgroups: (p: Numbers, c: Numbers) => linearGrid(bandSize(p) / 4, c.WORKGROUP_SIZE),
  tolerance: { absolute: 1e-6, relative: 1e-6 },
  cases: [haarCase(1, 1, 8), haarCase(3, 5, 16), haarCase(64, 28, 32), haarCase(1, 64, 1032)],
  randomCase: (random: () => number) =>
    haarCase(
      randomInteger(random, 1, 5),
      randomInteger(random, 1, 20),
      WIDTH_MULTIPLE * randomInteger(random, 1, 9),
    ),
  benchCases: [haarCase(1, 2048, 2048), haarCase(64, 256, 256)],
} as const;

/**
 * Tells whether the one-pass Haar kernels can transform images of a width.
 *
 * @param width Pixels of a row.
 * @returns True for multiples of 8.
 */
export function fitsHaarKernels(width: number): boolean {
  return width % WIDTH_MULTIPLE === 0;
}

/** One level of the 2-D Haar transform in one pass, for widths that are multiples of 8. */
export const haarAnalysisKernels: Kernels<"analysis"> = defineKernels({
  ...shared,
  file: "kernels/dwt/haar_analysis.wgsl",
  source: analysisSource,
  lengths: (p) => ({ x: p.batch * p.height * p.width, ...bandLengths(p) }),
  entries: {
    analysis: { reads: ["x"], writes: BANDS, flops: (p) => 8 * bandSize(p) },
  },
  reference: ({ x }, p) => ({ ...referenceAnalysis(x, shapeOf(p), haar, "periodization") }),
});

/** The inverse of one level of the 2-D Haar transform, for widths that are multiples of 8. */
export const haarSynthesisKernels: Kernels<"synthesis"> = defineKernels({
  ...shared,
  file: "kernels/dwt/haar_synthesis.wgsl",
  source: synthesisSource,
  lengths: (p) => ({ ...bandLengths(p), y: p.batch * p.height * p.width }),
  entries: {
    synthesis: { reads: BANDS, writes: ["y"], flops: (p) => 8 * bandSize(p) },
  },
  reference: ({ approximation, horizontal, vertical, diagonal }, p) => ({
    y: referenceSynthesis(
      { approximation, horizontal, vertical, diagonal },
      shapeOf(p),
      haar,
      "periodization",
    ),
  }),
});
