import { affine } from "../autograd/mod.ts";
import { BITS, isBits, type LevelQuantization } from "../compression/mod.ts";
import { type Device, run, slice, type Tensor, tensor, zeros } from "../gpu/mod.ts";
import {
  REQUANTIZE_ROUNDING,
  requantizeKernels,
  requantizeParams,
  requantizeSlots,
} from "../kernels/mod.ts";
import {
  type HostParameters,
  type Parameters,
  type ParameterTensors,
  type TrainingContext,
  uploadParameters,
} from "../models/mod.ts";

/** Float32 weights that the optimizer steps over, while the network computes with rounded ones. */
export interface ShadowWeights extends LevelQuantization {
  /** Gradients by the rounded weights pass straight through to these. */
  readonly master: "shadow";
}

/** Weights that are replaced by their rounded values: what is less than a step may be lost. */
export interface InPlaceWeights extends LevelQuantization {
  /** There are no other weights. */
  readonly master: "inPlace";
  /** When they are rounded. */
  readonly every: "step" | "epoch";
}

/**
 * Training with weights on an integer grid; frozen data, part of a trial.
 *
 * Weights of two axes or more are rounded; biases and norms stay at 32 bits. Shadow weights are clipped
 * to the range of the grid, as BinaryConnect does, so that none is out of reach of its gradient.
 *
 * @see Courbariaux et al. 2015, arXiv:1511.00363
 */
export type WeightQuantization = ShadowWeights | InPlaceWeights;

/** What rounding did in one step of one network. */
export interface WeightStatistics {
  /** Of the weights that the optimizer moved, the share that rounds to what it would without the move. */
  readonly updatesLost: number;
  /** Share of the weights that the network computes with that are 0. */
  readonly zeros: number;
  /** Euclidean norm of those weights. */
  readonly norm: number;
}

/** Numbers of {@link WeightStatistics} in the ring. */
const STATISTICS = 3;

/** Streams of weights: layers count theirs from 0, augmentation has 2^31. */
export const WEIGHT_STREAM = 2 ** 30;

/**
 * Lists what is wrong with how weights are quantized.
 *
 * @param quantization How, if at all.
 * @returns What must be how, and what it is; empty if all is well.
 */
export function weightQuantizationMistakes(quantization: WeightQuantization | undefined): string[] {
  if (quantization === undefined) return [];
  const { bits } = quantization;
  if (isBits(bits)) return [];
  return [`the bits of weights must be a whole number from ${BITS.least} to ${BITS.most}: ${bits}`];
}

/** The rounding of a training, and where it leaves weights and statistics. */
export interface WeightQuantizer {
  /** What a forward pass computes with, and what is differentiated by. */
  readonly used: ParameterTensors;
  /** Rounded weights beside shadow weights, everything else as trained: what to evaluate. */
  readonly rounded: Parameters | undefined;
  /** `[capacity, networks, 3]`: the numbers of {@link WeightStatistics}, a ring. */
  readonly statisticsLog: Tensor;
  /** Makes the rounded weights that the first step computes with. */
  begin(): void;
  /** Appends the dispatches that follow an optimizer's step, when the clock has counted it. */
  run(): void;
}

/**
 * Prepares the rounding of weights in a training.
 *
 * All that changes from step to step is found on the GPU: when a rounding is due, its random numbers and
 * the scales.
 *
 * @param device Where.
 * @param quantization How to round.
 * @param parameters What the optimizer steps over.
 * @param initial The same on the host, one a network.
 * @param context Clock and seeds of the training.
 * @param stepsPerEpoch Steps of an epoch.
 * @param capacity Steps that the ring of statistics holds.
 * @returns The quantizer.
 */
export function prepareWeightQuantizer(
  device: Device,
  quantization: WeightQuantization,
  parameters: Parameters,
  initial: readonly HostParameters[],
  { clock, seeds }: TrainingContext,
  stepsPerEpoch: number,
  capacity: number,
): WeightQuantizer {
  const { model, layout } = parameters;
  const { networks } = layout;
  const isShadow = quantization.master === "shadow";
  const levels = 2 ** quantization.bits - 1;
  const constants = { ROUNDING: REQUANTIZE_ROUNDING[quantization.rounding] };
  const places = layout.places.filter(({ shape, isBuffer }) => shape.length >= 2 && !isBuffer);
  const slots = places.map(({ size }) => requantizeSlots(size, networks));
  const allSlots = slots.reduce((a, b) => a + b, 0);
  const weights = places.reduce((sum, { size }) => sum + size, 0);
  const partials = zeros(device, [networks, allSlots, 4]);
  const ring = zeros(device, [capacity, networks, STATISTICS]);
  const fixed = new Array<number[]>(networks).fill([1 / levels, levels]).flat();
  const fixedGrids = tensor(device, new Float32Array(fixed));
  const before = uploadParameters(device, model, initial);
  const rounded = isShadow ? uploadParameters(device, model, initial) : undefined;
  const isEveryStep = isShadow || quantization.every === "step";
  const shared = { networks, allSlots, weights, capacity, levels };
  const period = isEveryStep ? 1 : stepsPerEpoch;

  const each = places.map(({ name, size: inner }, i) => ({
    params: requantizeParams({
      ...shared,
      inner,
      firstSlot: slots.slice(0, i).reduce((a, b) => a + b, 0),
      stream: WEIGHT_STREAM + i,
      period,
    }),
    x: parameters.tensors[name],
    old: before.tensors[name],
    quantized: rounded?.tensors[name],
  }));

  function round(isObserved: boolean): void {
    for (const { params, x, old, quantized } of each) {
      const grids = quantization.scale === "fixed"
        ? fixedGrids
        : run(requantizeKernels.measure, { weight: x }, params).scales;
      if (isObserved) {
        const inputs = { weight: x, old, grids, clock, seeds, partials };
        run(requantizeKernels.observe, inputs, params, { constants });
      }
      const inputs = { x, grids, clock, seeds };
      if (quantized === undefined) {
        run(requantizeKernels.inPlace, inputs, params, { constants, into: { before: old } });
      } else {
        const into = { before: old, quantized };
        run(requantizeKernels.shadow, inputs, params, { constants, into });
      }
    }
    if (rounded !== undefined) copyRest(parameters, rounded);
  }

  return {
    used: rounded === undefined ? parameters.tensors : {
      ...parameters.tensors,
      ...Object.fromEntries(places.map(({ name }) => [name, rounded.tensors[name]])),
    },
    rounded,
    statisticsLog: ring,
    begin() {
      if (isShadow) round(false);
    },
    run() {
      round(true);
      run(requantizeKernels.record, { sums: partials, clock, ring }, each[0].params);
    },
  };
}

/** Copies what is not rounded, so that the rounded weights are a whole network. */
function copyRest(from: Parameters, to: Parameters): void {
  const { decayedSize, size } = from.layout;
  if (decayedSize === size) return;
  const rest = (flat: Tensor) => slice(flat, decayedSize, [size - decayedSize]);
  affine(rest(from.flat), 1, 0, rest(to.flat));
}

/**
 * Reads the statistics of one step out of the ring.
 *
 * @param log The ring on the host, `[capacity, networks, 3]`.
 * @param row Of the step.
 * @param networks How many networks.
 * @returns One a network.
 */
export function statisticsAt(
  log: ArrayLike<number>,
  row: number,
  networks: number,
): WeightStatistics[] {
  return Array.from({ length: networks }, (_, p) => {
    const at = STATISTICS * (row * networks + p);
    return { updatesLost: log[at], zeros: log[at + 1], norm: log[at + 2] };
  });
}
