import type { Device, Grid, KernelCase, Numbers, RandomSource, ScalarType } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";

/** Sizes of what is normalized. */
export interface BatchNormShape {
  /** Networks that run side by side, each with statistics of its own. */
  readonly networks: number;
  /** Images of each network. */
  readonly batch: number;
  /** Channels of an image, each normalized by itself. */
  readonly channels: number;
  /** Elements of a channel of an image: height x width, or 1 for features. */
  readonly plane: number;
}

/** How finely channels are cut into parts. */
export interface BatchNormParts {
  /** Parts of all channels that there should be at least, if the batch has as many. */
  readonly invocations: number;
  /** The most invocations that share one plane. */
  readonly mostLanes: number;
}

/** Processors run 8 invocations at once, each group to its end: these should walk memory in a row. */
const FEW_PARTS: BatchNormParts = { invocations: 4096, mostLanes: 8 };

/** GPUs want as many as they can keep in flight. */
const MANY_PARTS: BatchNormParts = { invocations: 131_072, mostLanes: 64 };

/**
 * Chooses how finely an adapter should cut channels into parts.
 *
 * @param device Where it will run.
 * @returns Few parts for processors, which are merged faster, many for GPUs.
 */
export function chooseBatchNormParts({ isSoftware }: Device): BatchNormParts {
  return isSoftware ? FEW_PARTS : MANY_PARTS;
}

/**
 * Gives the params that all kernels of a batch norm have in common, and cuts every channel into parts.
 *
 * A part is what one invocation sums: every `lanes`th element or vector of the planes of `images`
 * images.
 *
 * @param shape Sizes in elements.
 * @param parts How finely to cut; as suits processors if left out.
 * @returns Sizes, `lanes` and `images`; `epsilon` and `momentum` are the caller's.
 * @throws {RangeError} If a size is not a positive whole number.
 */
export function batchNormParams(
  shape: BatchNormShape,
  { invocations, mostLanes }: BatchNormParts = FEW_PARTS,
): Numbers {
  const { networks, batch, channels, plane } = shape;
  for (const [name, value] of Object.entries({ networks, batch, channels, plane })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`Cannot normalize: ${name} must be a whole number from 1 on: ${value}`);
    }
  }
  const lanes = Math.min(mostLanes, Math.ceil(plane / 16));
  const groups = Math.min(batch, Math.ceil(invocations / (networks * channels * lanes)));
  return { networks, batch, channels, plane, lanes, images: Math.ceil(batch / groups) };
}

/** Fields of `struct Params` that the shaders have in common, in order. */
export const GEOMETRY: Readonly<Record<string, ScalarType>> = {
  networks: "u32",
  batch: "u32",
  channels: "u32",
  plane: "u32",
  lanes: "u32",
  images: "u32",
};

/** Channels of all networks. */
export const channelsOf = (p: Numbers): number => p.networks * p.channels;

/** Elements of x. */
export const sizeOfX = (p: Numbers): number => channelsOf(p) * p.batch * p.plane;

/** Parts that every channel is cut into. */
export const partsOf = (p: Numbers): number => p.lanes * Math.ceil(p.batch / p.images);

/** One invocation a part: channels along x, groups of images along y, networks along z. */
export const partsGrid = (p: Numbers, { WORKGROUP_SIZE }: Numbers): Grid => [
  Math.ceil(p.channels * p.lanes / WORKGROUP_SIZE),
  Math.ceil(p.batch / p.images),
  p.networks,
];

/** Loop iterations of an invocation that walks a part. */
export const walkIterations = (p: Numbers, { FOURS }: Numbers): number =>
  p.images * (2 + Math.ceil(p.plane / (FOURS === 1 ? 4 : 1) / p.lanes));

/** Loop iterations of a workgroup that merges the parts of a channel. */
export const mergeIterations = (p: Numbers, { LANES }: Numbers): number =>
  Math.ceil(partsOf(p) / LANES) + Math.log2(LANES) + 1;

/** Calls back for every element of x with its index, its channel and the part that it belongs to. */
export function eachElement(
  p: Numbers,
  { FOURS }: Numbers,
  visit: (element: number, channel: number, part: number) => void,
): void {
  const unit = FOURS === 1 ? 4 : 1;
  for (let i = 0; i < sizeOfX(p); i++) {
    const within = i % p.plane;
    const plane = Math.floor(i / p.plane);
    const image = Math.floor(plane / p.channels);
    const channel = Math.floor(image / p.batch) * p.channels + plane % p.channels;
    const lane = Math.floor(within / unit) % p.lanes;
    visit(i, channel, Math.floor(image % p.batch / p.images) * p.lanes + lane);
  }
}

/** Sizes and, where planes are whole vectors, also the way that takes these. */
function casesOf(
  numbers: Numbers,
  shape: BatchNormShape,
  invocations: number = FEW_PARTS.invocations,
  mostLanes: number = FEW_PARTS.mostLanes,
): KernelCase[] {
  const params = { ...batchNormParams(shape, { invocations, mostLanes }), ...numbers };
  const fours = shape.plane % 4 === 0 ? [0, 1] : [0];
  return fours.map((FOURS) => ({ params, constants: { FOURS } }));
}

/**
 * Lists sizes that every kernel of a batch norm is tested with.
 *
 * @param numbers Params beside the geometry.
 * @returns Cases: 1, features, planes that are whole vectors and planes that are not, long sums.
 */
export function batchNormCases(numbers: Numbers): KernelCase[] {
  const shape = (networks: number, batch: number, channels: number, plane: number) => ({
    networks,
    batch,
    channels,
    plane,
  });
  return [
    ...casesOf(numbers, shape(1, 1, 1, 1)),
    ...casesOf(numbers, shape(2, 9, 5, 1), 40),
    ...casesOf(numbers, shape(2, 5, 3, 16), 12),
    ...casesOf(numbers, shape(1, 6, 7, 49)),
    ...casesOf(numbers, shape(3, 4, 2, 36), 18),
    ...casesOf(numbers, shape(1, 17, 2, 256), 1),
    ...casesOf(numbers, shape(1, 3, 1, 1060), 1, 64),
  ];
}

/**
 * Draws sizes that every kernel of a batch norm is tested with.
 *
 * @param random Uniform numbers.
 * @param numbers Params beside the geometry.
 * @returns A small case.
 */
export function randomBatchNormCase(random: RandomSource, numbers: Numbers): KernelCase {
  const shape = {
    networks: randomInteger(random, 1, 3),
    batch: randomInteger(random, 1, 9),
    channels: randomInteger(random, 1, 9),
    plane: randomInteger(random, 1, 80),
  };
  const cases = casesOf(numbers, shape, randomInteger(random, 1, 200), randomInteger(random, 1, 9));
  return cases[cases.length - 1];
}

/** Sizes worth timing: the activations of a ResNet for CIFAR-10 at batch 128. */
export const BENCH_SHAPES: readonly BatchNormShape[] = [
  { networks: 1, batch: 128, channels: 16, plane: 1024 },
  { networks: 1, batch: 128, channels: 64, plane: 64 },
];
