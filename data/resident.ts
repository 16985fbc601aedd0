import { type Device, reshape, run, slice, type Tensor, tensor } from "../gpu/mod.ts";
import { gatherKernels } from "../kernels/mod.ts";
import type { ImageSet } from "./dataset.ts";

/** How pixels become numbers: `x = byte * scale + shift`, channel by channel. */
export interface Normalization {
  readonly scale: readonly number[];
  readonly shift: readonly number[];
}

/** A data set that stays on the GPU as bytes. */
export interface ResidentImages {
  readonly count: number;
  readonly channels: number;
  /** Words of 4 pixels in one channel of an image. */
  readonly planeWords: number;
  /** `u32 [count, channels, planeWords]`, 4 pixels a word, lowest byte first. */
  readonly pixels: Tensor;
  /** `u32 [count]`. */
  readonly labels: Tensor;
  /** `[channels]`. */
  readonly scale: Tensor;
  /** `[channels]`. */
  readonly shift: Tensor;
}

/**
 * The plain normalization: bytes become numbers from 0 to 1.
 *
 * @param channels Count of channels.
 * @returns A scale of 1/255 and no shift.
 */
export function unitNormalization(channels: number): Normalization {
  return { scale: Array(channels).fill(1 / 255), shift: Array(channels).fill(0) };
}

/**
 * Uploads a data set once, to be sampled and evaluated without the host.
 *
 * @param device Where to.
 * @param images The images and labels.
 * @param normalization How bytes become numbers; 0 to 1 if left out.
 * @returns The resident set, one byte a pixel.
 * @throws {RangeError} If a channel of an image is not a multiple of 4 pixels.
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
  const planeWords = height * width / 4;
  const words = new Uint32Array(count * channels * planeWords);
  new Uint8Array(words.buffer).set(images.images.subarray(0, words.length * 4));
  return {
    count,
    channels,
    planeWords,
    pixels: tensor(device, words, [count, channels, planeWords]),
    labels: tensor(device, Uint32Array.from(images.labels)),
    scale: tensor(device, new Float32Array(normalization.scale)),
    shift: tensor(device, new Float32Array(normalization.shift)),
  };
}

/**
 * Copies images by row number, as floats.
 *
 * @param images The resident set.
 * @param rows `u32`, any shape: which images.
 * @returns `[...rows.shape, pixels]`.
 */
export function gatherImages(images: ResidentImages, rows: Tensor): Tensor {
  const { count, channels, planeWords, pixels, scale, shift } = images;
  const params = { batch: rows.size, count, channels, planeWords };
  const flatRows = reshape(rows, [rows.size]);
  const { x } = run(gatherKernels.gather, { pixels, rows: flatRows, scale, shift }, params);
  return reshape(x, [...rows.shape, channels * planeWords * 4]);
}

/** A part of a data set as floats, small enough for one pass through a network. */
export interface Chunk {
  /** `[1, rows, pixels]`, shared by all networks. */
  readonly x: Tensor;
  /** `u32 [rows]`. */
  readonly labels: Tensor;
  readonly rows: number;
}

/** Rows of a chunk; a multiple of 64, so that every chunk starts where WebGPU can bind. */
const CHUNK_ROWS = 2048;

/**
 * Expands a resident set into chunks of floats that can be evaluated again and again.
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
  const starts = Array.from(
    { length: Math.ceil(images.count / chunkRows) },
    (_, i) => i * chunkRows,
  );
  return starts.map((start) => {
    const rows = Math.min(chunkRows, images.count - start);
    return {
      x: gatherImages(images, slice(all, start, [1, rows])),
      labels: slice(images.labels, start, [rows]),
      rows,
    };
  });
}
