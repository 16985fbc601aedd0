import { cnnStep, fcNNEvaluation, fcNNStep, type ImagesAs } from "./our_networks.ts";
import { prepareConv2d, prepareFakeQuantize, prepareMatmul } from "./our_operations.ts";
import { prepareHaar, prepareHaarInverse } from "./our_wavelets.ts";
import { prepareInputGradient, prepareWeightGradient } from "./our_gradients.ts";
import type { Prepare } from "./our_side.ts";
import type { PeerName } from "./peers/protocol.ts";
import type { Params } from "./peers/workloads.ts";
import type { Target } from "./target.ts";

/** One workload that all sides compute. */
export interface Comparison {
  /** For a person. */
  readonly title: string;
  /** Name in `peers/workloads.ts`. */
  readonly workload: string;
  /** Its numbers. */
  readonly params: Params;
  /** Our side of it. */
  readonly prepare: Prepare;
  /** Our forward pass, measured beside where the workload is its gradient. */
  readonly forward?: Prepare;
  /** Largest difference from a peer, as a share of the root mean square of an output. */
  readonly tolerance: number;
  /** Operations of a repetition, where GFLOP/s say something. */
  readonly flops?: number;
  /** Bytes that a repetition must move, where GB/s say something. */
  readonly bytes?: number;
  /** What is to be reached; nothing is promised where it is missing. */
  readonly target?: Target;
  /** Peers that take about a minute, and are only asked when all is asked for. */
  readonly slow?: readonly PeerName[];
}

function matmul(m: number, k: number, n: number, gflops: number): Comparison {
  return {
    title: `matmul ${m}x${k}x${n}`,
    workload: "matmul",
    params: { m, n, k },
    prepare: prepareMatmul,
    tolerance: 1e-4,
    flops: 2 * m * n * k,
    target: { gflops, overBetter: 4 },
  };
}

const CONVOLUTIONS: Readonly<Record<string, Pick<Comparison, "prepare" | "forward">>> = {
  conv2d: { prepare: prepareConv2d },
  conv2d_input_gradient: { prepare: prepareInputGradient, forward: prepareConv2d },
  conv2d_weight_gradient: { prepare: prepareWeightGradient, forward: prepareConv2d },
};

/** A gradient makes as many multiply-adds as the forward pass, and may wait longer for memory. */
const GRADIENT_TARGET: Target = { timesForward: 1.4 };

function conv2d(
  workload: string,
  inputChannels: number,
  outputChannels: number,
  size: number,
  target: Target,
): Comparison {
  const batch = 32;
  return {
    title: `${workload.replaceAll("_", " ")} ${inputChannels}->${outputChannels} @${size}`,
    workload,
    params: { batch, inputChannels, outputChannels, size },
    ...CONVOLUTIONS[workload],
    tolerance: 1e-4,
    flops: 2 * 9 * batch * inputChannels * outputChannels * size * size,
    target,
  };
}

/** Losses after some steps of Adam, whose sums of floats each side takes in its own order. */
const NETWORK_TOLERANCE = 1e-3;

/** Both ways to hold the same images: the peers' floats, and bytes, as training holds MNIST. */
const IMAGES: readonly ImagesAs[] = ["floats", "bytes"];

function fullyConnectedStep(batch: number, overJax: number): Comparison[] {
  return IMAGES.map((as) => ({
    title: `FC_NN step, batch ${batch}, ${as}`,
    workload: "fc_nn_step",
    params: { batch, steps: 10 },
    prepare: fcNNStep(as),
    tolerance: NETWORK_TOLERANCE,
    target: { overJax },
  }));
}

function convolutionalStep(as: ImagesAs): Comparison {
  return {
    title: `CNN step, batch 64, ${as}`,
    workload: "cnn_step",
    params: { batch: 64, steps: 10 },
    prepare: cnnStep(as),
    tolerance: NETWORK_TOLERANCE,
    target: { overJax: 8, overPyTorch: 1 },
  };
}

/** Variants of a network that a sweep evaluates at once. */
const POPULATION = 8;

function evaluation(as: ImagesAs, networks: number): Comparison {
  return {
    title: `FC_NN evaluation of 10,000, ${as}${networks === 1 ? "" : `, a variant of ${networks}`}`,
    workload: "fc_nn_evaluation",
    params: { images: 10_000 },
    prepare: fcNNEvaluation(as, networks),
    tolerance: NETWORK_TOLERANCE,
    target: { overJax: 5 },
  };
}

/** Height and width of the image that is transformed. */
const HAAR_SIDE = 2048;

function haar(title: string, workload: string, prepare: Prepare): Comparison {
  return {
    title: `${title} ${HAAR_SIDE}x${HAAR_SIDE}`,
    workload,
    params: { size: HAAR_SIDE },
    prepare,
    tolerance: 1e-6,
    bytes: 8 * HAAR_SIDE ** 2,
    target: { copyShare: 0.75, overPyWavelets: 15 },
  };
}

const FAKE_QUANTIZED = 16 * 2 ** 20;

/** Everything that is compared, in the order of the table. */
export const comparisons: readonly Comparison[] = [
  matmul(256, 256, 256, 18),
  matmul(512, 512, 512, 22),
  matmul(1024, 1024, 1024, 22),
  matmul(256, 784, 64, 18),
  matmul(64, 784, 64, 18),
  conv2d("conv2d", 1, 16, 28, { overJax: 3 }),
  conv2d("conv2d", 16, 32, 14, { overJax: 6 }),
  conv2d("conv2d", 64, 64, 32, { gflops: 30, overJax: 6 }),
  conv2d("conv2d_input_gradient", 16, 32, 14, GRADIENT_TARGET),
  conv2d("conv2d_input_gradient", 64, 64, 32, GRADIENT_TARGET),
  conv2d("conv2d_weight_gradient", 16, 32, 14, GRADIENT_TARGET),
  { ...conv2d("conv2d_weight_gradient", 64, 64, 32, GRADIENT_TARGET), slow: ["tfjs"] },
  ...fullyConnectedStep(64, 8),
  ...fullyConnectedStep(256, 6.5),
  ...fullyConnectedStep(1024, 5.5),
  ...IMAGES.map(convolutionalStep),
  ...IMAGES.flatMap((as) => [evaluation(as, 1), evaluation(as, POPULATION)]),
  {
    title: "fake-quantize 16M floats",
    workload: "fake_quantize",
    params: {
      size: FAKE_QUANTIZED,
      scale: Math.fround(2 / 255),
      inverseScale: Math.fround(127.5),
      zeroPoint: 128,
      qMin: 0,
      qMax: 255,
    },
    prepare: prepareFakeQuantize,
    tolerance: 1e-6,
    bytes: 8 * FAKE_QUANTIZED,
    target: { copyShare: 0.8, overJax: 3.5 },
  },
  haar("2-D Haar transform", "haar_2d", prepareHaar),
  haar("2-D Haar inverse", "haar_2d_inverse", prepareHaarInverse),
];
