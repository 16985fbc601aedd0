import {
  defineKernels,
  type KernelCase,
  type Kernels,
  linearGrid,
  type Numbers,
  type ReferenceInputs,
} from "../../gpu/mod.ts";
import { normalsOrNaN, randomInteger, sometimesNaN } from "../random_source.ts";
import { roundHalfEven } from "../rounding.ts";
import source from "./dynamic_grid.wgsl" with { type: "text" };

const { fround } = Math;
const FINEST = 2 ** -120;
const WIDEST = 2 ** 120;
/** Bits of a code while a range warms up: all but float32. */
const WARMING_BITS = 16;

/** Elements of a channel that one invocation looks at. */
const CHUNK = 128;

/** What grids are found for. */
export interface DynamicGridShape {
  /** Runs of elements that have a grid each. */
  readonly channels: number;
  /** Elements of one of them. */
  readonly inner: number;
  /** Ranges that the grids are chosen from, one a channel if left out; 1 where all channels share it. */
  readonly spans?: number;
  /** Bits of a code, 1 where channels have their own; at least 2 where grids are symmetric. */
  readonly bits?: number;
  /** Share of what is seen now in the range that is kept, above 0; 1 if left out, which forgets. */
  readonly momentum?: number;
  /** Steps of training that codes have 16 bits for; none if left out. */
  readonly warmUp?: number;
}

/**
 * Gives the params of the kernels.
 *
 * @param shape Sizes, bits, momentum and warm-up.
 * @returns The same, and how many elements an invocation looks at.
 */
export function dynamicGridParams(shape: DynamicGridShape): Numbers {
  const { channels, inner, spans = channels, bits = 1, momentum = 1, warmUp = 0 } = shape;
  return { channels, spans, inner, chunk: CHUNK, bits, momentum, warmUp };
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

function observe({ partials, range, clock }: ReferenceInputs, params: Numbers, entry: string) {
  const parts = partsOf(params);
  const share = entry === "observeWarming" ? 1 / (clock[0] + 1) : 0;
  const momentum = Math.max(fround(params.momentum), fround(share));
  return {
    range: range.map((before, i) => {
      const c = Math.floor(i / 2);
      const ofChannel = partials.subarray(2 * c * parts, 2 * (c + 1) * parts);
      const end = ofChannel.filter((_, k) => k % 2 === i % 2);
      return before + momentum * (rangeOf(end)[i % 2] - before);
    }),
  };
}

function chooseGrid(
  [first, last]: ArrayLike<number> & Iterable<number>,
  bits: number,
  symmetric: boolean,
) {
  const [low, high] = [Math.min(first, 0), Math.max(last, 0)];
  const most = symmetric ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const ends = { qMin: symmetric ? -most : 0, qMax: most };
  const span = symmetric ? Math.max(-low, high) : fround(high - low);
  if (!(span <= WIDEST)) return { scale: NaN, inverseScale: NaN, zeroPoint: NaN, ...ends };
  const scale = span === 0 ? 1 : Math.max(fround(span / most), FINEST);
  const inverseScale = fround(1 / scale);
  const zero = roundHalfEven(fround(-fround(low * inverseScale)));
  const zeroPoint = symmetric ? 0 : Math.min(Math.max(zero, 0), most);
  return { scale, inverseScale, zeroPoint, ...ends };
}

function grids(
  { observed, widths, clock }: ReferenceInputs,
  { channels, spans, bits, warmUp }: Numbers,
  { SYMMETRIC }: Numbers,
  entry: string,
) {
  const bitsOf = (c: number): number => {
    if (entry === "gridOfWidths") return widths[c];
    return entry === "gridWarming" && clock[0] < warmUp ? WARMING_BITS : bits;
  };
  const chosen = Array.from({ length: channels }, (_, c) => {
    const span = observed.subarray(2 * (c % spans), 2 * (c % spans) + 2);
    return chooseGrid(span, bitsOf(c), SYMMETRIC === 1);
  });
  return {
    scale: chosen.map(({ scale }) => scale),
    inverseScale: chosen.map(({ inverseScale }) => inverseScale),
    zeroPoint: chosen.map(({ zeroPoint }) => zeroPoint),
    qMin: chosen.map(({ qMin }) => qMin),
    qMax: chosen.map(({ qMax }) => qMax),
  };
}

/** A magnitude that is not subnormal, now and then 0. */
function magnitude(random: () => number): number {
  return random() < 0.1 ? 0 : random() * 2 ** randomInteger(random, -110, 118);
}

function gridCase(
  [channels, inner]: readonly [number, number],
  bits: number,
  momentum: number,
  SYMMETRIC: number,
  spans?: number,
  warmUp?: number,
): KernelCase {
  return {
    params: dynamicGridParams({ channels, inner, spans, bits, momentum, warmUp }),
    constants: { SYMMETRIC },
  };
}

/** Ranges of channels, a moving average of them, and the integer grids that span them. */
export const dynamicGridKernels: Kernels<
  "ranges" | "observe" | "observeWarming" | "grid" | "gridOfWidths" | "gridWarming"
> = defineKernels({
  name: "dynamic_grid",
  file: "kernels/dynamic_grid/dynamic_grid.wgsl",
  source,
  params: {
    channels: "u32",
    spans: "u32",
    inner: "u32",
    chunk: "u32",
    bits: "u32",
    momentum: "f32",
    warmUp: "u32",
  },
  constants: { SYMMETRIC: 0, WORKGROUP_SIZE: 64 },
  lengths: (params) => {
    const { channels, inner } = params;
    const parts = 2 * channels * partsOf(params);
    return {
      x: channels * inner,
      partialsOut: parts,
      partials: parts,
      range: 2 * channels,
      observed: 2 * params.spans,
      widths: channels,
      clock: 1,
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
    observeWarming: {
      reads: ["partials", "clock"],
      updates: ["range"],
      writes: [],
      flops: (params) => 2 * params.channels * partsOf(params),
      loopIterations: partsOf,
    },
    grid: {
      reads: ["observed"],
      writes: ["scale", "inverseScale", "zeroPoint", "qMin", "qMax"],
      flops: ({ channels }) => 250 * channels, // two divisions of 24 steps
    },
    gridOfWidths: {
      reads: ["observed", "widths"],
      writes: ["scale", "inverseScale", "zeroPoint", "qMin", "qMax"],
      flops: ({ channels }) => 250 * channels,
    },
    gridWarming: {
      reads: ["observed", "clock"],
      writes: ["scale", "inverseScale", "zeroPoint", "qMin", "qMax"],
      flops: ({ channels }) => 250 * channels,
    },
  },
  workgroups: ({ channels }, { WORKGROUP_SIZE }) => linearGrid(channels, WORKGROUP_SIZE),
  // a moving average may be fused
  tolerance: (_params, entry) =>
    entry.startsWith("observe") ? { absolute: 1e-6, relative: 1e-6 } : "exact",
  generate: {
    x: normalsOrNaN,
    partials: normalsOrNaN,
    // a channel of nothing but 0 among the others
    observed: (random, _p, length) =>
      sometimesNaN(
        random,
        Array.from(
          { length },
          (_, i) => i === 2 || i === 3 ? 0 : (i % 2 - random()) * magnitude(random),
        ),
      ),
    clock: (random) => [randomInteger(random, 0, 40)],
    widths: (random, _p, length) => Array.from({ length }, () => randomInteger(random, 2, 16)),
  },
  reference(inputs, params, constants, entry) {
    switch (entry) {
      case "ranges":
        return ranges(inputs, params);
      case "observe":
      case "observeWarming":
        return observe(inputs, params, entry);
      default:
        return grids(inputs, params, constants, entry);
    }
  },
  cases: [
    gridCase([1, 1], 8, 1, 0),
    gridCase([1, 50_000], 4, 0.1, 0),
    gridCase([64, 784], 2, 1, 1),
    gridCase([3, 131], 1, 0.5, 0),
    gridCase([7, 9], 16, 0.01, 1),
    gridCase([16, 5], 3, 1, 0, 1),
    gridCase([2000, 4], 8, 1, 0),
    gridCase([3, 8], 2, 0.01, 0, undefined, 41),
  ],
  randomCase: (random) =>
    gridCase(
      [randomInteger(random, 1, 20), randomInteger(random, 1, 400)],
      randomInteger(random, 2, 16),
      random(),
      randomInteger(random, 0, 1),
      random() < 0.3 ? 1 : undefined,
      randomInteger(random, 0, 40),
    ),
  benchCases: [gridCase([1, 2 ** 22], 8, 1, 0)],
});
