import type { Numbers, ReferenceInputs } from "../../gpu/mod.ts";
import { channelsOf, eachElement, partsOf } from "./geometry.ts";

/** The elements of some set: how many, their mean, and squared distances from it. */
interface Moments {
  readonly count: Float64Array;
  readonly mean: Float64Array;
  readonly squares: Float64Array;
}

/** Moments of `sets` sets that the elements of x are sorted into. */
function momentsBy(
  x: Float64Array,
  sets: number,
  p: Numbers,
  constants: Numbers,
  setOf: (channel: number, part: number) => number,
): Moments {
  const count = new Float64Array(sets);
  const mean = new Float64Array(sets);
  const squares = new Float64Array(sets);
  eachElement(p, constants, (i, channel, part) => {
    const set = setOf(channel, part);
    count[set]++;
    mean[set] += x[i];
  });
  mean.forEach((sum, set) => mean[set] = sum / Math.max(count[set], 1));
  eachElement(p, constants, (i, channel, part) => {
    const set = setOf(channel, part);
    squares[set] += (x[i] - mean[set]) ** 2;
  });
  return { count, mean, squares };
}

/** Where a part of a channel stands in the tensors of parts. */
const placeOf = (p: Numbers) => (channel: number, part: number) => part * channelsOf(p) + channel;

/**
 * Computes the statistics of every channel in float64.
 *
 * @param inputs By the shader's names.
 * @param p Its params.
 * @param constants Its constants.
 * @param entry Its entry point.
 * @returns What the entry writes.
 */
export function statisticsReference(
  inputs: ReferenceInputs,
  p: Numbers,
  constants: Numbers,
  entry: string,
): Record<string, Float64Array> {
  const sets = partsOf(p) * channelsOf(p);
  const { count, mean, squares } = momentsBy(inputs.x, sets, p, constants, placeOf(p));
  if (entry === "moments") return { partialMeanOut: mean, partialSquaresOut: squares };
  const { partialMean, partialSquares, runningMean, runningVariance } = inputs;
  const channels = channelsOf(p);
  const of = (channel: number, weigh: (place: number) => number) => {
    let sum = 0;
    for (let place = channel; place < sets; place += channels) sum += weigh(place);
    return sum;
  };
  const n = p.batch * p.plane;
  const momentum = Math.fround(p.momentum);
  const meanOut = runningMean.map((_, c) =>
    of(c, (place) => count[place] * partialMean[place]) / n
  );
  const all = meanOut.map((center, c) =>
    of(c, (place) => partialSquares[place] + count[place] * (partialMean[place] - center) ** 2)
  );
  const moved = (from: Float64Array, to: (c: number) => number) =>
    from.map((value, c) => (1 - momentum) * value + momentum * to(c));
  return {
    meanOut,
    varianceOut: all.map((value) => value / n),
    runningMean: moved(runningMean, (c) => meanOut[c]),
    runningVariance: moved(runningVariance, (c) => all[c] / Math.max(n - 1, 1)),
  };
}

/** 1 / standard deviation of every channel. */
function precisions(variance: Float64Array, { epsilon }: Numbers): Float64Array {
  return variance.map((value) => 1 / Math.sqrt(value + Math.fround(epsilon)));
}

/** The forward pass with statistics that are given. */
function forward(inputs: ReferenceInputs, p: Numbers, constants: Numbers): Float64Array {
  const { x, mean, variance, weight, bias, shortcut } = inputs;
  const precision = precisions(variance, p);
  const y = new Float64Array(x.length);
  eachElement(p, constants, (i, c) => {
    const value = weight[c] * (x[i] - mean[c]) * precision[c] + (bias?.[c] ?? 0) +
      (constants.SHORTCUT === 1 ? shortcut[i] : 0);
    y[i] = constants.RELU === 1 ? Math.max(value, 0) : value;
  });
  return y;
}

/** dy where the ReLU, if there is one, let something through. */
function passed({ dy, activated }: ReferenceInputs, { RELU }: Numbers): Float64Array {
  return dy.map((value, i) => RELU === 1 && activated[i] <= 0 ? 0 : value);
}

/** Sums of d and of d xhat over every part of a channel. */
function sumsOfParts(
  inputs: ReferenceInputs,
  p: Numbers,
  constants: Numbers,
): { partialBias: Float64Array; partialWeight: Float64Array } {
  const { x, mean, variance } = inputs;
  const precision = precisions(variance, p);
  const d = passed(inputs, constants);
  const partialBias = new Float64Array(partsOf(p) * channelsOf(p));
  const partialWeight = new Float64Array(partialBias.length);
  eachElement(p, constants, (i, c, part) => {
    const place = placeOf(p)(c, part);
    partialBias[place] += d[i];
    partialWeight[place] += d[i] * (x[i] - mean[c]) * precision[c];
  });
  return { partialBias, partialWeight };
}

/** Sums over all parts, and what the input gradient needs of them. */
function gradients(
  { partialBias, partialWeight, variance }: ReferenceInputs,
  p: Numbers,
): Record<"dBias" | "dWeight" | "slopesOut", Float64Array> {
  const channels = channelsOf(p);
  const precision = precisions(variance, p);
  const n = p.batch * p.plane;
  const total = (parts: Float64Array) => {
    const sums = new Float64Array(channels);
    parts.forEach((value, place) => sums[place % channels] += value);
    return sums;
  };
  const [dBias, dWeight] = [total(partialBias), total(partialWeight)];
  const slopesOut = new Float64Array(2 * channels);
  dBias.forEach((sum, c) => {
    slopesOut[2 * c] = sum / n;
    slopesOut[2 * c + 1] = dWeight[c] * precision[c] / n;
  });
  return { dBias, dWeight, slopesOut };
}

function inputGradient(inputs: ReferenceInputs, p: Numbers, constants: Numbers): Float64Array {
  const { x, mean, variance, weight, slopes } = inputs;
  const precision = precisions(variance, p);
  const d = passed(inputs, constants);
  const dx = new Float64Array(x.length);
  eachElement(p, constants, (i, c) => {
    const slope = constants.FROZEN === 1 ? 0 : slopes[2 * c] + (x[i] - mean[c]) * slopes[2 * c + 1];
    dx[i] = weight[c] * precision[c] * (d[i] - slope);
  });
  return dx;
}

/** The whole training pass, with the statistics of x itself, that finite differences of x need. */
function trained(
  inputs: ReferenceInputs,
  p: Numbers,
  constants: Numbers,
): Record<string, Float64Array> {
  const channels = channelsOf(p);
  const { count, mean, squares } = momentsBy(
    inputs.x,
    channels,
    p,
    constants,
    (channel) => channel,
  );
  const own = { ...inputs, mean, variance: squares.map((value, c) => value / count[c]) };
  const y = forward(own, p, { ...constants, SHORTCUT: 0 });
  const sums = sumsOfParts({ ...own, activated: y }, p, constants);
  const { slopesOut } = gradients({ ...own, ...sums }, p);
  return { trained: y, ownMean: own.mean, ownVariance: own.variance, ownSlopes: slopesOut };
}

/**
 * Computes a batch norm in float64.
 *
 * @param inputs By the shader's names.
 * @param p Its params.
 * @param constants Its constants.
 * @param entry Its entry point.
 * @returns What the entry writes; of `gradientSums` also the forward pass with x's own statistics.
 */
export function batchNormReference(
  inputs: ReferenceInputs,
  p: Numbers,
  constants: Numbers,
  entry: string,
): Record<string, Float64Array> {
  if (entry === "forward") return { y: forward(inputs, p, constants) };
  if (entry === "gradients") return gradients(inputs, p);
  if (entry === "inputGradient") return { dx: inputGradient(inputs, p, constants) };
  const { partialBias, partialWeight } = sumsOfParts(inputs, p, constants);
  const sums = { partialBiasOut: partialBias, partialWeightOut: partialWeight };
  return inputs.weight === undefined ? sums : { ...sums, ...trained(inputs, p, constants) };
}
