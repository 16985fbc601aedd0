import {
  type AffineGrid,
  chooseWeightGrids,
  dequantizeWeight,
  type QuantizedWeight,
  reconstructBlock,
  type ReconstructedNetwork,
  reconstructionMistakes,
  type WeightGrid,
  type WeightGridOptions,
} from "../compression/mod.ts";
import { chunksOf, type ResidentImages } from "../data/mod.ts";
import { type Device, sizeOf, type Tensor, tensor } from "../gpu/mod.ts";
import {
  type HostParameters,
  type Model,
  parameterShape,
  uploadParameters,
} from "../models/mod.ts";
import { blockProblem, type Frozen } from "./block_problem.ts";
import { calibrate } from "./calibrate.ts";
import { observeActivations } from "./observe_activations.ts";
import type { ActivationGridOptions } from "./observe_ranges.ts";
import { blocksOf, checkBlocks, type NetworkReconstructionPlan } from "./reconstruction_blocks.ts";

/** One network of a population, and what it becomes. */
export interface ReconstructedVariant {
  /** Its weights, batch norms folded. */
  readonly parameters: HostParameters;
  /** How the grids of its weights are chosen; their scales learn from there. */
  readonly weights: WeightGridOptions;
  /** Layers whose grids are chosen in another way, by name, such as the first and the last one. */
  readonly exceptions?: Readonly<Record<string, WeightGridOptions>>;
  /**
   * How the grids of every layer's input, images included, are chosen; their steps learn from there.
   * Float32 if left out, for all variants alike.
   */
  readonly activations?: ActivationGridOptions;
  /** Of batches and masks. */
  readonly seed: number;
}

/** Weights and activations of one network after all its blocks, and how each block learned. */
export interface NetworkReconstruction extends ReconstructedNetwork {
  /** Mean squared error of every step, block by block. */
  readonly losses: readonly (readonly number[])[];
  /** What was found of the inputs of layers that should make one careful: channels that never changed. */
  readonly remarks: readonly string[];
}

function checkVariants(
  model: Model,
  variants: readonly ReconstructedVariant[],
  plan: NetworkReconstructionPlan,
): void {
  if (model.batchNorms !== undefined) {
    throw new TypeError(
      `Cannot reconstruct ${model.title}: its batch norms must be folded first`,
    );
  }
  const quantized = variants.filter(({ activations }) => activations !== undefined).length;
  if (variants.length === 0 || quantized % variants.length !== 0) {
    throw new RangeError(
      "Cannot reconstruct: all variants must quantize activations, or none: " +
        `${quantized} of ${variants.length} do`,
    );
  }
  const grids = variants.flatMap(({ weights, exceptions = {}, activations }) =>
    [weights, ...Object.values(exceptions), ...activations ? [activations] : []]
      .map(({ grid }) => grid)
  );
  const [mistake] = reconstructionMistakes(plan, grids);
  if (mistake !== undefined) {
    throw new RangeError(`Cannot reconstruct ${model.title}: ${mistake}`);
  }
}

function weightGrids(
  model: Model,
  { parameters, weights, exceptions = {} }: ReconstructedVariant,
  layer: string,
): WeightGrid[] {
  const name = `${layer}.weight`;
  const options = exceptions[layer] ?? weights;
  return chooseWeightGrids(parameters[name], parameterShape(model, name), {
    ...options,
    label: name,
  });
}

function freeze(
  device: Device,
  weightsSoFar: Record<string, Tensor>,
  made: readonly ReconstructedNetwork[],
): void {
  for (const [name, { shape }] of Object.entries(made[0].weights)) {
    const all = new Float32Array(made.length * sizeOf(shape));
    made.forEach(({ weights }, p) => all.set(dequantizeWeight(weights[name]), p * sizeOf(shape)));
    weightsSoFar[name] = tensor(device, all, [made.length, ...shape]);
  }
}

/** What calibration images leave as it was in the inputs of layers, one list a variant. */
async function inputRemarks(
  device: Device,
  model: Model,
  variants: readonly ReconstructedVariant[],
  images: ResidentImages,
): Promise<(readonly string[])[]> {
  const chunks = chunksOf(device, images);
  const known = new Map<HostParameters, readonly string[]>();
  for (const parameters of new Set(variants.map((variant) => variant.parameters))) {
    using _scope = device.scope();
    const { tensors } = uploadParameters(device, model, [parameters]);
    known.set(parameters, (await calibrate(device, model, tensors, chunks)).remarks);
  }
  return variants.map(({ parameters }) => known.get(parameters)!);
}

/**
 * Learns how the weights of a trained network are rounded, and the grids of its activations, so that
 * blocks of it, or all of it, give what they gave before.
 *
 * The images are unlabeled: what is compared is the float32 network. Inputs of a block come from the
 * blocks before it, quantized already, and what it should give from the float32 network, batch by batch.
 * Variants, of one network or of several, learn in the same dispatches.
 *
 * @param device Where to learn.
 * @param model What all variants are, without batch norms.
 * @param variants Weights, grids and seed of each.
 * @param images Calibration images, from the training set; labels are not looked at.
 * @param plan Steps, rates, batch and blocks.
 * @returns One a variant.
 * @throws {RangeError} If numbers are out of range, a block names an unknown layer, variants do not fit, or
 *   an input of a layer is not finite, with its name.
 * @throws {TypeError} If the model has batch norms.
 * @see Li et al. 2021, arXiv:2102.05426
 */
export async function reconstruct(
  device: Device,
  model: Model,
  variants: readonly ReconstructedVariant[],
  images: ResidentImages,
  plan: NetworkReconstructionPlan,
): Promise<NetworkReconstruction[]> {
  checkVariants(model, variants, plan);
  checkBlocks(model, images.count, plan);
  using _scope = device.scope();
  const floats = uploadParameters(device, model, variants.map(({ parameters }) => parameters));
  const isQuantized = variants[0].activations !== undefined;
  const observed = isQuantized
    ? await observeActivations(
      device,
      model,
      floats.tensors,
      variants.flatMap(({ activations }) => activations ?? []),
      images,
    )
    : { grids: {}, few: [], remarks: await inputRemarks(device, model, variants, images) };
  const results = variants.map((_, p) => ({
    weights: {} as Record<string, QuantizedWeight>,
    activations: {} as Record<string, AffineGrid>,
    losses: [] as (readonly number[])[],
    remarks: [...observed.few, ...observed.remarks[p]],
  }));
  const frozen: Frozen = {
    weights: {},
    grids: results.map(({ activations }) => activations),
  };
  for (const { layers, output } of blocksOf(model, plan)) {
    const problem = blockProblem(device, model, floats.tensors, frozen, images, {
      batch: plan.batchSize,
      output,
      isQuantized,
      weighting: plan.weighting,
    });
    const seeds = variants.map(({ seed }) => seed);
    const made = await reconstructBlock(device, {
      label: layers.join(", "),
      weights: layers.map((layer) => ({
        name: `${layer}.weight`,
        shape: parameterShape(model, `${layer}.weight`),
        values: variants.map(({ parameters }) => parameters[`${layer}.weight`]),
        grids: variants.map((variant) => weightGrids(model, variant, layer)),
      })),
      activations: isQuantized
        ? layers.map((layer) => ({ layer, grids: observed.grids[layer] }))
        : [],
      seeds,
      unit: await problem.unit(seeds),
      losses: problem.losses,
    }, plan);
    freeze(device, frozen.weights, made);
    made.forEach(({ weights, activations, losses }, p) => {
      Object.assign(results[p].weights, weights);
      Object.assign(results[p].activations, activations);
      results[p].losses.push(losses);
    });
  }
  return results;
}
