import {
  type Device,
  type EntrySpec,
  linearGrid,
  type Numbers,
  type ScalarType,
} from "../../gpu/mod.ts";

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
export const FEW_PARTS: BatchNormParts = { invocations: 4096, mostLanes: 8 };

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

/** How an entry is launched. */
type Launch = Required<Pick<EntrySpec, "workgroups" | "loopIterations">>;

/** Walks parts, one an invocation: channels along x, groups of images along y, networks along z. */
export const WALK_PARTS: Launch = {
  workgroups: (p, { WORKGROUP_SIZE }) => [
    Math.ceil(p.channels * p.lanes / WORKGROUP_SIZE),
    Math.ceil(p.batch / p.images),
    p.networks,
  ],
  loopIterations: (p, { FOURS }) =>
    p.images * (2 + Math.ceil(p.plane / (FOURS === 1 ? 4 : 1) / p.lanes)),
};

/** Merges the parts of a channel, one channel a workgroup. */
export const MERGE_PARTS: Launch = {
  workgroups: (p) => linearGrid(channelsOf(p), 1),
  loopIterations: (p, { LANES }) => Math.ceil(partsOf(p) / LANES) + Math.log2(LANES) + 1,
};

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
