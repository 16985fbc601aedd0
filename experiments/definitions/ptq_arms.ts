import {
  type Bits,
  type Granularity,
  type HqqBits,
  reconstructionPlan,
  type WeightGridOptions,
} from "../../compression/mod.ts";
import type { PostTrainingMethod, Rescaling } from "../quantization_trial.ts";

/** What learns roundings together, and in which batches. */
export const RECONSTRUCTION_PLAN = { ...reconstructionPlan({ steps: 2000 }), batchSize: 128 };
/** What learns the roundings of one layer, its scales as they are: the paper's. */
export const ADA_ROUND_PLAN = reconstructionPlan({ steps: 1000, scaleRate: 0 });
/** Sweeps of coordinate descent. */
export const SWEEPS = 10;

type Quantization = PostTrainingMethod & { readonly rescaling?: Rescaling };

/** A post-training method with its granularity: a ready-made way to quantize. */
interface Arm {
  readonly label: string;
  /** Of all weights to so many bits, which any method can, calibrated on so many images where it looks at any. */
  quantization(bits: HqqBits, images: number): Quantization;
}

/** Equal steps; what spans least squared error, or everything. */
function affine(
  bits: Bits,
  granularity: Granularity,
  observer: "minMax" | "meanSquaredError",
): WeightGridOptions {
  return { grid: { kind: "affine", bits }, granularity, observer: { kind: observer } };
}

const leastSquares = (bits: Bits, granularity: Granularity = "channel") =>
  affine(bits, granularity, "meanSquaredError");

/** Divides the rows of every layer of FC_NN. */
const GROUP: Granularity = { group: 16 };

/** Shifts in place of products; of one bit is the sign, on the scale that fits it best. */
const powersOfTwo = (bits: Bits): WeightGridOptions =>
  bits === 1 ? { grid: { kind: "binary" }, granularity: "channel" } : {
    grid: { kind: "additivePowersOfTwo", bits },
    granularity: "channel",
    observer: { kind: "meanSquaredError" },
  };

const codebook = (bits: Bits): WeightGridOptions => ({
  grid: { kind: "lloydMax", bits },
  granularity: "channel",
});

/** Ways to quantize after training, from the simplest on. */
export const PTQ_ARMS = {
  min_max_tensor: {
    label: "min-max, tensor",
    quantization: (bits) => ({ method: "nearest", weights: affine(bits, "tensor", "minMax") }),
  },
  equalized_tensor: {
    label: "equalized, min-max, tensor",
    quantization: (bits) => ({
      method: "nearest",
      weights: affine(bits, "tensor", "minMax"),
      rescaling: { kind: "equalized" },
    }),
  },
  min_max_channel: {
    label: "min-max, channel",
    quantization: (bits) => ({ method: "nearest", weights: affine(bits, "channel", "minMax") }),
  },
  mse_tensor: {
    label: "least squares, tensor",
    quantization: (bits) => ({ method: "nearest", weights: leastSquares(bits, "tensor") }),
  },
  mse_channel: {
    label: "least squares, channel",
    quantization: (bits) => ({ method: "nearest", weights: leastSquares(bits) }),
  },
  mse_group: {
    label: "least squares, groups of 16",
    quantization: (bits) => ({ method: "nearest", weights: leastSquares(bits, GROUP) }),
  },
  bias_correction_channel: {
    label: "bias correction, channel",
    quantization: (bits, images) => ({
      method: "bias_correction",
      weights: leastSquares(bits),
      images,
    }),
  },
  additive_powers_channel: {
    label: "powers of two, channel",
    quantization: (bits) => ({ method: "nearest", weights: powersOfTwo(bits) }),
  },
  lloyd_max_channel: {
    label: "Lloyd-Max, channel",
    quantization: (bits) => ({ method: "nearest", weights: codebook(bits) }),
  },
  hqq_channel: {
    label: "HQQ, channel",
    quantization: (bits) => ({ method: "hqq", bits, granularity: "channel" }),
  },
  hqq_group: {
    label: "HQQ, groups of 16",
    quantization: (bits) => ({ method: "hqq", bits, granularity: GROUP }),
  },
  gptq_tensor: {
    label: "GPTQ, tensor",
    quantization: (bits, images) => ({
      method: "gptq",
      weights: leastSquares(bits, "tensor"),
      images,
    }),
  },
  gptq_channel: {
    label: "GPTQ, channel",
    quantization: (bits, images) => ({ method: "gptq", weights: leastSquares(bits), images }),
  },
  gptq_group: {
    label: "GPTQ, groups of 16",
    quantization: (bits, images) => ({
      method: "gptq",
      weights: leastSquares(bits, GROUP),
      images,
    }),
  },
  obq_channel: {
    label: "OBQ, channel",
    quantization: (bits, images) => ({ method: "obq", weights: leastSquares(bits), images }),
  },
  adaround_channel: {
    label: "AdaRound, channel",
    quantization: (bits, images) => ({
      method: "ada_round",
      weights: leastSquares(bits),
      plan: ADA_ROUND_PLAN,
      images,
    }),
  },
  second_order_channel: {
    label: "second order, channel",
    quantization: (bits, images) => ({
      method: "second_order",
      weights: leastSquares(bits),
      sweeps: SWEEPS,
      images,
    }),
  },
  second_order_codebook: {
    label: "second order, codebooks",
    quantization: (bits, images) => ({
      method: "second_order",
      weights: codebook(bits),
      sweeps: SWEEPS,
      images,
    }),
  },
  reconstruction_layers: {
    label: "reconstruction by layers, channel",
    quantization: (bits, images) => ({
      method: "reconstruction",
      weights: leastSquares(bits),
      plan: { ...RECONSTRUCTION_PLAN, blocks: "layers" },
      images,
    }),
  },
  reconstruction_layers_fisher: {
    label: "reconstruction by layers, Fisher, channel",
    quantization: (bits, images) => ({
      method: "reconstruction",
      weights: leastSquares(bits),
      plan: { ...RECONSTRUCTION_PLAN, blocks: "layers", weighting: "fisher" },
      images,
    }),
  },
  reconstruction_channel: {
    label: "reconstruction, channel",
    quantization: (bits, images) => ({
      method: "reconstruction",
      weights: leastSquares(bits),
      plan: RECONSTRUCTION_PLAN,
      images,
    }),
  },
  reconstruction_codebook: {
    label: "reconstruction, codebooks",
    quantization: (bits, images) => ({
      method: "reconstruction",
      weights: codebook(bits),
      plan: RECONSTRUCTION_PLAN,
      images,
    }),
  },
} as const satisfies Record<string, Arm>;

/** Name of a way to quantize. */
export type PtqArm = keyof typeof PTQ_ARMS;
