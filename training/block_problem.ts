import { combine, meanSquaredError, multiplyBy } from "../autograd/mod.ts";
import type {
  AffineGrid,
  LearningContext,
  ReconstructionBlock,
  SoftBlock,
} from "../compression/mod.ts";
import type { ResidentImages } from "../data/mod.ts";
import { type Device, read, reshape, run, type Tensor, tensor } from "../gpu/mod.ts";
import { permutationBits, sampleBatchKernels } from "../kernels/mod.ts";
import type { ForwardHooks, Model, ParameterTensors } from "../models/mod.ts";
import { fisherGradients } from "./fisher_gradients.ts";
import { quantizedInputs } from "./input_grids.ts";
import type { NetworkReconstructionPlan } from "./reconstruction_blocks.ts";

/** What earlier blocks have become, on the GPU. */
export interface Frozen {
  /** Their weights, `[networks, ...shape]`, by name. */
  readonly weights: Record<string, Tensor>;
  /** Grids of the inputs of their layers, one record a network. */
  readonly grids: readonly Readonly<Record<string, AffineGrid>>[];
}

/** How the error of a block is measured, and what it is measured in. */
export interface BlockProblem extends Pick<ReconstructionBlock, "losses"> {
  /**
   * Mean square of what the block should give, weighed as its errors are.
   *
   * @param seeds One a network.
   */
  unit(seeds: readonly number[]): Promise<number>;
}

/**
 * Makes the problem that a block of a network is reconstructed by: what it gives, of each batch, against
 * what it gave in float32.
 *
 * @param device Where.
 * @param model The model.
 * @param floats The float32 networks.
 * @param frozen What earlier blocks have become.
 * @param images Calibration images.
 * @param how `batch`: images of a network in a step. `output`: the layer whose output is compared, or the
 *   logits. `isQuantized`: whether inputs of layers are. `weighting`: how errors count.
 * @returns Its losses and their unit.
 */
export function blockProblem(
  device: Device,
  model: Model,
  floats: ParameterTensors,
  frozen: Frozen,
  images: ResidentImages,
  { batch, output, isQuantized, weighting }: {
    readonly batch: number;
    readonly output: string | undefined;
    readonly isQuantized: boolean;
    readonly weighting: NetworkReconstructionPlan["weighting"];
  },
): BlockProblem {
  const batchOf = ({ clock, seeds }: LearningContext) => {
    const { rows } = run(sampleBatchKernels.sample, { clock, seeds, labels: images.labels }, {
      networks: seeds.size,
      batch,
      count: images.count,
      stepsPerEpoch: Math.floor(images.count / batch),
      bits: permutationBits(images.count),
    });
    return { source: images, rows: reshape(rows, [seeds.size, batch]) };
  };
  const outputOf = (
    parameters: ParameterTensors,
    x: ReturnType<typeof batchOf>,
    hooks: ForwardHooks,
  ) => {
    let seen: Tensor | undefined;
    const logits = model.forward(parameters, x, {
      ...hooks,
      layerOutput: (layer, y) => {
        if (layer === output) seen = y;
      },
    });
    return { y: seen ?? logits, logits };
  };
  /** What the block gives in float32, and how what it gives is weighed. */
  const wantedOf = (x: ReturnType<typeof batchOf>, context: LearningContext) => {
    const { y, logits } = outputOf(floats, x, {});
    if (weighting === undefined) return { target: y, weigh: (one: Tensor) => one };
    const gradients = fisherGradients(logits, y, context);
    return {
      target: combine("multiply", y, gradients),
      weigh: (one: Tensor) => multiplyBy(one, gradients),
    };
  };
  const frozenInput = quantizedInputs(device, frozen.grids);
  const layerInput = (soft: SoftBlock) => (layer: string, x: Tensor): Tensor =>
    layer in frozen.grids[0] ? frozenInput(layer, x) : soft.quantizeInput(layer, x);
  return {
    losses(soft) {
      const x = batchOf(soft);
      const { target, weigh } = wantedOf(x, soft);
      const parameters = { ...floats, ...frozen.weights, ...soft.weights };
      const hooks = isQuantized ? { layerInput: layerInput(soft) } : {};
      return meanSquaredError(weigh(outputOf(parameters, x, hooks).y), target);
    },
    async unit(seeds) {
      using _scope = device.scope();
      const context = {
        clock: tensor(device, Uint32Array.of(0)),
        seeds: tensor(device, Uint32Array.from(seeds)),
      };
      const target = await read(wantedOf(batchOf(context), context).target);
      let sum = 0;
      for (const value of target) sum += value ** 2;
      return sum / target.length || 1;
    },
  };
}
