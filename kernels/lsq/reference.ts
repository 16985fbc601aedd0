import type { Numbers, ReferenceInputs } from "../../gpu/mod.ts";
import { roundHalfEven } from "../rounding.ts";

/** What a value may become, numbered as the shader's `LEVELS` constant numbers it. */
export const LEARNED_LEVELS = { integers: 0, signs: 1, continuous: 2 } as const;

const same = (value: number) => value;

/** The grid of one channel, and what the shader does with one value. */
interface Channel {
  readonly step: number;
  readonly low: number;
  readonly high: number;
  readonly offset: number;
  /** Where a value stands on the grid, in steps. */
  place(value: number): number;
  level(place: number): number;
}

/** The arithmetic of the shader: float32 where a rounding boundary may be near, else exact. */
function channelOf(
  { grid, offset }: ReferenceInputs,
  c: number,
  { LEVELS: levels, OFFSET }: Numbers,
): Channel {
  const narrow = levels === LEARNED_LEVELS.continuous ? same : Math.fround;
  const [step, inverse, low, high] = grid.subarray(4 * c, 4 * c + 4);
  const shift = OFFSET ? offset[c] : 0;
  const clamp = (v: number) => Math.min(Math.max(v, low), high);
  return {
    step,
    low,
    high,
    offset: shift,
    place: (value) => narrow(narrow(value - shift) * inverse),
    level: (v) => {
      if (levels === LEARNED_LEVELS.signs) return v >= 0 ? 1 : -1;
      return clamp(levels === LEARNED_LEVELS.continuous ? v : roundHalfEven(v));
    },
  };
}

/** Elements of one channel that one invocation of `stepSums` adds up. */
function chunksOf({ size, channels, inner, chunk }: Numbers): { chunks: number; parts: number } {
  const chunks = Math.ceil(inner / chunk);
  return { chunks, parts: size / (channels * inner) * chunks };
}

/**
 * Counts what `stepSums` writes of a channel.
 *
 * @param params Of the kernel.
 * @returns Sums a channel.
 */
export function partsOf(params: Numbers): number {
  return chunksOf(params).parts;
}

function prepare({ step, limits }: ReferenceInputs, { floor }: Numbers, { CLIP }: Numbers) {
  const gridOut = new Float64Array(4 * step.length);
  step.forEach((learned, c) => {
    const [low, high] = limits.subarray(2 * c, 2 * c + 2);
    const s = Math.max(CLIP ? learned / high : learned, Math.fround(floor));
    gridOut.set([s, 1 / s, low, high], 4 * c);
  });
  return { gridOut };
}

function stepSums(inputs: ReferenceInputs, params: Numbers, constants: Numbers) {
  const { size, channels, inner, chunk } = params;
  const { chunks, parts } = chunksOf(params);
  const partialsOut = new Float64Array(2 * channels * parts);
  for (let i = 0; i < size; i++) {
    const c = Math.floor(i / inner) % channels;
    const outer = Math.floor(i / (inner * channels));
    const part = outer * chunks + Math.floor(i % inner / chunk);
    const { place, level, low, high } = channelOf(inputs, c, constants);
    const v = place(inputs.x[i]);
    const isOutside = v < low || v > high;
    const error = constants.CLIP ? 0 : level(v) - v;
    const at = 2 * (c * parts + part);
    partialsOut[at] += inputs.dy[i] * (isOutside ? Math.min(Math.max(v, low), high) : error);
    if (isOutside) partialsOut[at + 1] += inputs.dy[i];
  }
  return { partialsOut };
}

function stepGradient({ partials, grid }: ReferenceInputs, params: Numbers, { CLIP }: Numbers) {
  const parts = partsOf(params);
  const dStep = new Float64Array(params.channels);
  const dOffset = new Float64Array(params.channels);
  for (let c = 0; c < params.channels; c++) {
    const high = grid[4 * c + 3];
    const factor = params.count > 0 ? 1 / Math.sqrt(params.count * high) : 1;
    for (let p = 0; p < parts; p++) {
      dStep[c] += partials[2 * (c * parts + p)] * factor / (CLIP ? high : 1);
      dOffset[c] += partials[2 * (c * parts + p) + 1] * factor;
    }
  }
  return { dStep, dOffset };
}

/**
 * The mathematics of all entries in float64; what decides a level is in float32, as in the shader.
 *
 * @param inputs Tensors by name.
 * @param params Sizes, the count of the gradient's scale, and the floor.
 * @param constants Levels, offset and clip.
 * @param entry Which entry.
 * @returns Its outputs.
 */
export function lsqReference(
  inputs: ReferenceInputs,
  params: Numbers,
  constants: Numbers,
  entry: string,
): Readonly<Record<string, Float64Array>> {
  switch (entry) {
    case "prepare":
      return prepare(inputs, params, constants);
    case "stepSums":
      return stepSums(inputs, params, constants);
    case "stepGradient":
      return stepGradient(inputs, params, constants);
  }
  const { x, dy } = inputs;
  const channels = Array.from(
    { length: params.channels },
    (_, c) => channelOf(inputs, c, constants),
  );
  const of = (i: number) => channels[Math.floor(i / params.inner) % params.channels];
  if (entry === "forward") {
    const y = x.map((value, i) => {
      const { place, level, step, offset } = of(i);
      return level(place(value)) * step + offset;
    });
    return { y };
  }
  const dx = dy.map((slope, i) => {
    const { place, low, high } = of(i);
    const v = place(x[i]);
    return low <= v && v <= high ? slope : 0;
  });
  return { dx };
}
