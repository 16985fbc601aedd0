import { type Device, reshape, slice, type Tensor, tensor } from "../gpu/mod.ts";
import type { ImageSet } from "./dataset.ts";

/** How pixels become numbers: `x = (byte / 255 - mean) / std`, channel by channel. */
export interface Normalization {
  /** What is subtracted of each channel, from 0 to 1. */
  readonly mean: readonly number[];
  /** What each channel is divided by after that. */
  readonly std: readonly number[];
}

/** A data set that stays on the GPU as bytes. */
export interface ResidentImages {
  /** Images in the set. */
  readonly count: number;
  /** 1 for gray, 3 for color. */
  readonly channels: number;
  /** Words of 4 pixels in one channel of an image. */
  readonly planeWords: number;
  /** `u32 [firstCount, channels, planeWords]`, 4 pixels a word, lowest byte first. */
  readonly pixels: Tensor;
  /** Images in `pixels`: those that the adapter binds at once. */
  readonly firstCount: number;
  /** The other images, shaped likewise; `pixels` once more where there are none. */
  readonly rest: Tensor;
  /** `u32 [count]`. */
  readonly labels: Tensor;
  /** `[channels]`. */
  readonly scale: Tensor;
  /** `[channels]`. */
  readonly shift: Tensor;
  /** The scale of all channels, where it is one, there is no shift and `rest` is nothing. */
  readonly plainScale: number | undefined;
}

/**
 * The plain normalization: bytes become numbers from 0 to 1.
 *
 * @param channels Count of channels.
 * @returns Means of 0 and deviations of 1.
 */
export function unitNormalization(channels: number): Normalization {
  return { mean: Array(channels).fill(0), std: Array(channels).fill(1) };
}

/** Images of a size that an adapter binds at once. */
function imagesThatBind(device: Device, bytes: number): number {
  return Math.floor(device.gpu.limits.maxStorageBufferBindingSize / bytes);
}

/** The same as a factor and a term, which is what kernels compute: `x = byte * scale + shift`. */
function affineOf({ mean, std }: Normalization): { scale: number[]; shift: number[] } {
  return {
    scale: std.map((one) => 1 / 255 / one),
    // 0 - 0 is 0, where -0 would be another number to the eye
    shift: std.map((one, channel) => 0 - mean[channel] / one),
  };
}

/**
 * Uploads a data set once, to be sampled and evaluated without the host.
 *
 * @param device Where to.
 * @param images The images and labels.
 * @param normalization How bytes become numbers, which a model may say; 0 to 1 if left out.
 * @returns The resident set, one byte a pixel.
 * @throws {RangeError} If a channel of an image is not a multiple of 4 pixels, or the normalization
 *   is of another count of channels.
 */
export function uploadImages(
  device: Device,
  images: ImageSet,
  normalization: Normalization = unitNormalization(images.channels),
): ResidentImages {
  const { count, channels, height, width } = images;
  if (height * width % 4 !== 0) {
    throw new RangeError(
      `Cannot upload images of ${height} x ${width}: a channel must be a multiple of 4 pixels`,
    );
  }
  const { scale, shift } = affineOf(normalization);
  if (scale.length !== channels || normalization.mean.length !== channels) {
    throw new RangeError(
      `Cannot upload images of ${channels} channels: the normalization must have as many: means ` +
        `${normalization.mean.length}, deviations ${scale.length}`,
    );
  }
  const isPlain = scale.every((one) => one === scale[0]) && shift.every((one) => one === 0);
  const planeWords = height * width / 4;
  const imageWords = channels * planeWords;
  const words = new Uint32Array(count * imageWords);
  new Uint8Array(words.buffer).set(images.images.subarray(0, words.length * 4));
  const firstCount = Math.min(count, imagesThatBind(device, 4 * imageWords));
  if (count - firstCount > firstCount) {
    throw new RangeError(
      `Cannot upload ${count} images: twice as many as this adapter binds at once are the most: ` +
        `they are ${2 * firstCount}`,
    );
  }
  const part = (from: number, to: number): Tensor =>
    tensor(device, words.subarray(from * imageWords, to * imageWords), [
      to - from,
      channels,
      planeWords,
    ]);
  const pixels = part(0, firstCount);
  return {
    count,
    channels,
    planeWords,
    pixels,
    firstCount,
    rest: firstCount < count ? part(firstCount, count) : pixels,
    labels: tensor(device, Uint32Array.from(images.labels)),
    scale: tensor(device, new Float32Array(scale)),
    shift: tensor(device, new Float32Array(shift)),
    plainScale: isPlain && firstCount === count ? scale[0] : undefined,
  };
}

/** A part of a data set, small enough for one pass through a network. */
export interface Chunk {
  /** The set that it is a part of. */
  readonly source: ResidentImages;
  /** `u32 [1, count]`, shared by all networks: which images. */
  readonly rows: Tensor;
  /** `u32 [count]`. */
  readonly labels: Tensor;
  /** Images in the chunk. */
  readonly count: number;
}

/** Rows of a chunk; a multiple of 64, so that every chunk starts where WebGPU can bind. */
const CHUNK_ROWS = 2048;

/**
 * Cuts a resident set into chunks that can be evaluated again and again; nothing is copied.
 *
 * @param device Where they live.
 * @param images The resident set.
 * @param chunkRows Rows of a chunk, a multiple of 64.
 * @returns The chunks in order; together all images.
 */
export function chunksOf(
  device: Device,
  images: ResidentImages,
  chunkRows: number = CHUNK_ROWS,
): Chunk[] {
  const all = tensor(device, Uint32Array.from({ length: images.count }, (_, i) => i));
  const whole = {
    source: images,
    rows: reshape(all, [1, images.count]),
    labels: images.labels,
    count: images.count,
  };
  return splitChunk(whole, chunkRows);
}

/**
 * Cuts a chunk into smaller ones, for a model that cannot take as many images at once.
 *
 * @param chunk The chunk.
 * @param rows Rows of a part at most, a multiple of 64; `Infinity` leaves the chunk whole.
 * @returns The parts in order, which are views.
 */
export function splitChunk(chunk: Chunk, rows: number): Chunk[] {
  if (rows >= chunk.count) return [chunk];
  const parts = Array.from({ length: Math.ceil(chunk.count / rows) }, (_, i) => i * rows);
  return parts.map((start) => {
    const count = Math.min(rows, chunk.count - start);
    return {
      source: chunk.source,
      rows: slice(chunk.rows, start, [1, count]),
      labels: slice(chunk.labels, start, [count]),
      count,
    };
  });
}
