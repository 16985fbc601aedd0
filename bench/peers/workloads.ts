/**
 * What is measured: the names, numbers and inputs of every workload, in one layout for all sides.
 *
 * Arrays are row-major; images are [batch, channels, height, width], convolution weights
 * [output, input, 3, 3], linear weights [output, input]. A peer that wants another layout changes it
 * before the clock starts, and changes sampled outputs back.
 *
 * @module
 */

import type { PeerName } from "./protocol.ts";
import { drawLabels, drawSigned, drawUnit } from "./random.ts";

/** Numbers of one workload, such as `{ m: 256, n: 256, k: 256 }`. */
export type Params = Readonly<Record<string, number>>;

/** One named array of a workload. */
export interface Input {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** Inputs by name. */
export type Inputs = Readonly<Record<string, Input>>;

/** One workload: its numbers with their defaults, and its inputs. */
export interface Workload {
  /** What is computed, in one line. */
  readonly summary: string;
  /** Who can compute it, and is measured. */
  readonly peers: readonly PeerName[];
  /** Every number it takes, with the value it has when a request leaves it out. */
  readonly defaults: Params;
  /** Draws the inputs; streams are numbered in the order in which the inputs are written here. */
  readonly inputs: (params: Params, seed: number) => Inputs;
}

/** Classes of the networks. */
export const CLASSES = 10;

/** Adam's numbers, the same on all sides. */
export const ADAM = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

const signed = (seed: number, stream: number, shape: readonly number[], bound = 1): Input => ({
  shape,
  data: drawSigned(seed, stream, sizeOf(shape), bound),
});

/** Multiples of 1/255, as MNIST has them: a side may hold them as bytes and still compute the same. */
const pixels = (seed: number, stream: number, shape: readonly number[]): Input => ({
  shape,
  data: drawUnit(seed, stream, sizeOf(shape)).map((u) => Math.floor(256 * u) / 255),
});

const labels = (seed: number, stream: number, count: number): Input => ({
  shape: [count],
  data: drawLabels(seed, stream, count, CLASSES),
});

/** Weight and bias of one layer, uniform within 1 / sqrt(inputs of a unit). */
function layer(seed: number, stream: number, name: string, shape: readonly number[]): Inputs {
  const bound = Math.fround(1 / Math.sqrt(sizeOf(shape.slice(1))));
  return {
    [`${name}.weight`]: signed(seed, stream, shape, bound),
    [`${name}.bias`]: signed(seed, stream + 1, [shape[0]], bound),
  };
}

function fullyConnected(count: number, seed: number): Inputs {
  return {
    images: pixels(seed, 0, [count, 784]),
    labels: labels(seed, 1, count),
    ...layer(seed, 2, "fc1", [64, 784]),
    ...layer(seed, 4, "fc2", [32, 64]),
    ...layer(seed, 6, "fc3", [CLASSES, 32]),
  };
}

function convolutional(count: number, seed: number): Inputs {
  return {
    images: pixels(seed, 0, [count, 1, 28, 28]),
    labels: labels(seed, 1, count),
    ...layer(seed, 2, "conv1", [16, 1, 3, 3]),
    ...layer(seed, 4, "conv2", [32, 16, 3, 3]),
    ...layer(seed, 6, "fc", [CLASSES, 32 * 7 * 7]),
  };
}

function convolution(params: Params, seed: number): Inputs {
  const { batch, inputChannels, outputChannels, size } = params;
  return {
    x: signed(seed, 0, [batch, inputChannels, size, size]),
    w: signed(seed, 1, [outputChannels, inputChannels, 3, 3]),
    dy: signed(seed, 2, [batch, outputChannels, size, size]),
  };
}

const convolutionDefaults = { batch: 32, inputChannels: 1, outputChannels: 16, size: 28 };

/** The libraries on WebGPU, which compute all that networks are made of. */
const LIBRARIES: readonly PeerName[] = ["jax-js", "tfjs"];
/** Who is measured on convolutions. */
const CONVOLUTION_PEERS: readonly PeerName[] = [...LIBRARIES, "PyTorch"];
/** Who computes wavelet transforms. */
const WAVELET_PEERS: readonly PeerName[] = ["PyWavelets"];

/** Every workload by name. */
export const workloads: Readonly<Record<string, Workload>> = {
  matmul: {
    summary: "y [m, n] = a [m, k] b [k, n]",
    peers: LIBRARIES,
    defaults: { m: 256, n: 256, k: 256 },
    inputs: ({ m, n, k }, seed) => ({
      a: signed(seed, 0, [m, k]),
      b: signed(seed, 1, [k, n]),
    }),
  },
  conv2d: {
    summary: "y = x convolved with w, 3 x 3, stride 1, padding 1",
    peers: CONVOLUTION_PEERS,
    defaults: convolutionDefaults,
    inputs: convolution,
  },
  conv2d_input_gradient: {
    summary: "dx of conv2d from dy and w",
    peers: CONVOLUTION_PEERS,
    defaults: convolutionDefaults,
    inputs: convolution,
  },
  conv2d_weight_gradient: {
    summary: "dw of conv2d from dy and x",
    peers: CONVOLUTION_PEERS,
    defaults: convolutionDefaults,
    inputs: convolution,
  },
  fc_nn_step: {
    summary: "one step of Adam on the mean cross-entropy of FC_NN 784-64-32-10, on one fixed batch",
    peers: LIBRARIES,
    defaults: { batch: 64, steps: 10 },
    inputs: ({ batch }, seed) => fullyConnected(batch, seed),
  },
  cnn_step: {
    summary: "one step of Adam on conv 16 - ReLU - pool 2 - conv 32 - ReLU - pool 2 - linear 10",
    peers: CONVOLUTION_PEERS,
    defaults: { batch: 64, steps: 10 },
    inputs: ({ batch }, seed) => convolutional(batch, seed),
  },
  fc_nn_evaluation: {
    summary: "mean cross-entropy and count of right answers of FC_NN over all images",
    peers: LIBRARIES,
    defaults: { images: 10_000 },
    inputs: ({ images }, seed) => fullyConnected(images, seed),
  },
  fake_quantize: {
    summary: "y = (clamp(round(x * inverseScale) + zeroPoint, qMin, qMax) - zeroPoint) * scale",
    peers: LIBRARIES,
    defaults: {
      size: 16 * 2 ** 20,
      scale: Math.fround(2 / 255),
      inverseScale: Math.fround(127.5),
      zeroPoint: 128,
      qMin: 0,
      qMax: 255,
    },
    inputs: ({ size }, seed) => ({ x: signed(seed, 0, [size]) }),
  },
  haar_2d: {
    summary:
      "one level of the 2-D Haar transform of x [size, size], in four bands of half its sides",
    peers: WAVELET_PEERS,
    defaults: { size: 2048 },
    inputs: ({ size }, seed) => ({ x: signed(seed, 0, [size, size]) }),
  },
  haar_2d_inverse: {
    summary: "y [size, size] from the four bands of haar_2d",
    peers: WAVELET_PEERS,
    defaults: { size: 2048 },
    inputs: ({ size }, seed) => ({
      approximation: signed(seed, 0, [size / 2, size / 2]),
      horizontal: signed(seed, 1, [size / 2, size / 2]),
      vertical: signed(seed, 2, [size / 2, size / 2]),
      diagonal: signed(seed, 3, [size / 2, size / 2]),
    }),
  },
};

/**
 * Names what a peer is measured on.
 *
 * @param peer The peer.
 * @returns Names of workloads.
 */
export function workloadsOf(peer: PeerName): string[] {
  return Object.keys(workloads).filter((name) => workloads[name].peers.includes(peer));
}

/** Names of the trained arrays among a network's inputs, in order. */
export function parameterNames(inputs: Inputs): string[] {
  return Object.keys(inputs).filter((name) => name.includes("."));
}

/**
 * Spreads labels over columns.
 *
 * @param labels Class of each row.
 * @param classes How many classes there are.
 * @returns [rows, classes], 1 in the column of the class and 0 elsewhere.
 */
export function oneHotInput(labels: Input, classes: number): Input {
  const rows = labels.data.length;
  const data = new Float32Array(rows * classes);
  labels.data.forEach((label, row) => data[row * classes + label] = 1);
  return { shape: [rows, classes], data };
}
