import {
  defineKernels,
  type KernelCase,
  type Kernels,
  linearGrid,
  type Numbers,
  type ReferenceInputs,
} from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import { roundHalfEven } from "../rounding.ts";
import source from "./dynamic_grid.wgsl" with { type: "text" };

/** Elements of a channel that one invocation looks at. */
const CHUNK = 128;

/** What grids are found for. */
export interface DynamicGridShape {
  /** Runs of elements that have a grid each. */
  readonly channels: number;
  /** Elements of one of them. */
  readonly inner: number;
  /** Bits of a code; at least 2 where grids are symmetric. */
  readonly bits: number;
  /** Share of what is seen now in the range that is kept, above 0; 1 forgets what was before. */
  readonly momentum: number;
}

/**
 * Gives the params of the kernels.
 *
 * @param shape Sizes, bits and momentum.
 * @returns The same, and how many elements an invocation looks at.
 */
export function dynamicGridParams(shape: DynamicGridShape): Numbers {
  const { channels, inner, bits, momentum } = shape;
  return { channels, inner, chunk: CHUNK, bits, momentum };
}

function partsOf({ inner, chunk }: Numbers): number {
  return Math.ceil(inner / chunk);
}

/** Smallest and largest of a run. */
function rangeOf(values: Float64Array): [low: number, high: number] {
  return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
}

function ranges({ x }: ReferenceInputs, params: Numbers) {
  const { channels, inner, chunk } = params;
  const parts = Array.from({ length: channels * partsOf(params) }, (_, i) => {
    const c = Math.floor(i / partsOf(params));
    const first = c * inner + i % partsOf(params) * chunk;
    return rangeOf(x.subarray(first, Math.min(first + chunk, (c + 1) * inner)));
  });
  return { partialsOut: parts.flat() };
}

function observe({ partials, range }: ReferenceInputs, params: Numbers) {
  const parts = partsOf(params);
  const momentum = Math.fround(params.momentum);
  return {
    range: range.map((before, i) => {
      const c = Math.floor(i / 2);
      const ofChannel = partials.subarray(2 * c * parts, 2 * (c + 1) * parts);
      const end = ofChannel.filter((_, k) => k % 2 === i % 2);
      return before + momentum * (rangeOf(end)[i % 2] - before);
    }),
  };
}

function grid({ observed }: ReferenceInputs, { channels, bits }: Numbers, { SYMMETRIC }: Numbers) {
  const { fround } = Math;
  const columns = { scale: [], inverseScale: [], zeroPoint: [], qMin: [], qMax: [] } as Record<
    string,
    number[]
  >;
  for (let c = 0; c < channels; c++) {
    const [low, high] = [Math.min(observed[2 * c], 0), Math.max(observed[2 * c + 1], 0)];
    const most = SYMMETRIC ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
    const span = SYMMETRIC ? Math.max(-low, high) : fround(high - low);
    const scale = span === 0 ? 1 : Math.max(fround(span / most), 2 ** -120);
    const inverse = fround(1 / scale);
    const zero = roundHalfEven(fround(-low * inverse));
    columns.scale.push(scale);
    columns.inverseScale.push(inverse);
    columns.zeroPoint.push(SYMMETRIC ? 0 : Math.min(Math.max(zero, 0), most));
    columns.qMin.push(SYMMETRIC ? -most : 0);
    columns.qMax.push(most);
  }
  return columns;
}

function gridCase(
  [channels, inner]: readonly [number, number],
  bits: number,
  momentum: number,
  SYMMETRIC: number,
): KernelCase {
  return {
    params: dynamicGridParams({ channels, inner, bits, momentum }),
    constants: { SYMMETRIC },
  };
}

/** Ranges of channels, a moving average of them, and the integer grids that span them. */
export const dynamicGridKernels: Kernels<"ranges" | "observe" | "grid"> = defineKernels({
  name: "dynamic_grid",
  file: "kernels/dynamic_grid/dynamic_grid.wgsl",
  source,
  params: { channels: "u32", inner: "u32", chunk: "u32", bits: "u32", momentum: "f32" },
  constants: { SYMMETRIC: 0, WORKGROUP_SIZE: 64 },
  lengths: (params) => {
    const { channels, inner } = params;
    const parts = 2 * channels * partsOf(params);
    return {
      x: channels * inner,
      partialsOut: parts,
      partials: parts,
      range: 2 * channels,
      observed: 2 * channels,
      scale: channels,
      inverseScale: channels,
      zeroPoint: channels,
      qMin: channels,
      qMax: channels,
    };
  },
  entries: {
    ranges: {
      reads: ["x"],
      writes: ["partialsOut"],
      flops: ({ channels, inner }) => 2 * channels * inner,
      workgroups: (params, { WORKGROUP_SIZE }) =>
        linearGrid(params.channels * partsOf(params), WORKGROUP_SIZE),
      loopIterations: ({ chunk }) => chunk,
    },
    observe: {
      reads: ["partials"],
      updates: ["range"],
      writes: [],
      flops: (params) => 2 * params.channels * partsOf(params),
      loopIterations: partsOf,
    },
    grid: {
      reads: ["observed"],
      writes: ["scale", "inverseScale", "zeroPoint", "qMin", "qMax"],
      flops: ({ channels }) => 10 * channels,
    },
  },
  workgroups: ({ channels }, { WORKGROUP_SIZE }) => linearGrid(channels, WORKGROUP_SIZE),
  // two divisions of 2.5 ULP each; a zero point that is wrong is off by 1
  tolerance: (_params, entry) => entry === "ranges" ? "exact" : { absolute: 1e-6, relative: 1e-6 },
  generate: {
    // a channel of nothing but 0 among the others
    observed: (random, _p, length) =>
      Array.from({ length }, (_, i) => i === 2 || i === 3 ? 0 : (i % 2 - 0.3) * 3 * random()),
  },
  reference(inputs, params, constants, entry) {
    switch (entry) {
      case "ranges":
        return ranges(inputs, params);
      case "observe":
        return observe(inputs, params);
      default:
        return grid(inputs, params, constants);
    }
  },
  cases: [
    gridCase([1, 1], 8, 1, 0),
    gridCase([1, 50_000], 4, 0.1, 0),
    gridCase([64, 784], 2, 1, 1),
    gridCase([3, 131], 1, 0.5, 0),
    gridCase([7, 9], 16, 0.01, 1),
  ],
  randomCase: (random) =>
    gridCase(
      [randomInteger(random, 1, 20), randomInteger(random, 1, 400)],
      randomInteger(random, 2, 16),
      random(),
      randomInteger(random, 0, 1),
    ),
  benchCases: [gridCase([1, 2 ** 22], 8, 1, 0)],
});
