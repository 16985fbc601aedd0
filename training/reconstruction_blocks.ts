import type { ReconstructionPlan } from "../compression/mod.ts";
import type { Model } from "../models/mod.ts";

/** Layers that learn together, until an output that must stay as it was. */
export interface BlockPlan {
  /** Names of the layers, in order. */
  readonly layers: readonly string[];
  /** The layer whose output is compared, such as the last one of a residual block; the logits if left out. */
  readonly output?: string;
}

/** How a network is reconstructed; frozen data, part of a trial. */
export interface NetworkReconstructionPlan extends ReconstructionPlan {
  /** Calibration images of each network in a step. */
  readonly batchSize: number;
  /**
   * What learns together: every layer by itself, the layers of each residual block (what is in none of them
   * by itself), or blocks in order; the whole network as one if left out.
   */
  readonly blocks?: "layers" | "residual" | readonly BlockPlan[];
  /**
   * How much each output of a block counts: by its part of the Fisher information, as in the paper, which takes
   * the float32 network forward and back in each step; all alike if left out.
   */
  readonly weighting?: "fisher";
}

/** Layers within each shortcut, in order, the last one with what is added to it. */
function residualBlocks({ layers, tails = {} }: Model): readonly (readonly string[])[] {
  return layers.flatMap((layer, end) => {
    const shortcut = tails[layer]?.shortcut;
    return shortcut === undefined ? [] : [layers.slice(layers.indexOf(shortcut), end + 1)];
  });
}

/**
 * Lists the blocks that a network is reconstructed in.
 *
 * @param model The model.
 * @param plan What learns together.
 * @returns The blocks, in order.
 */
export function blocksOf(
  model: Model,
  { blocks }: Pick<NetworkReconstructionPlan, "blocks">,
): readonly BlockPlan[] {
  if (blocks === undefined) return [{ layers: model.layers }];
  if (typeof blocks !== "string") return blocks;
  const joined = blocks === "residual" ? residualBlocks(model) : [];
  return model.layers.flatMap((layer): BlockPlan[] => {
    const block = joined.find((one) => one.includes(layer));
    if (block === undefined) return [{ layers: [layer], output: layer }];
    return layer === block[0] ? [{ layers: block, output: block.at(-1) }] : [];
  });
}

/**
 * Refuses blocks that a network does not have, and batches that cannot be drawn.
 *
 * @param model The model.
 * @param images How many calibration images there are.
 * @param plan Batches and blocks.
 * @throws {RangeError} If a block names an unknown layer, there are no residual blocks, or batches are larger
 *   than the set.
 */
export function checkBlocks(
  model: Model,
  images: number,
  plan: NetworkReconstructionPlan,
): void {
  const { batchSize, blocks } = plan;
  if (blocks === "residual" && residualBlocks(model).length === 0) {
    throw new RangeError(
      `Cannot reconstruct ${model.title} by residual blocks: it has none; its layers can be ` +
        "reconstructed one after the other, or all together",
    );
  }
  const named = blocksOf(model, plan)
    .flatMap(({ layers, output }) => [...layers, ...output ? [output] : []]);
  const unknown = named.find((layer) => !model.layers.includes(layer));
  if (unknown !== undefined) {
    throw new RangeError(
      `Cannot reconstruct ${model.title}: a block names a layer that it does not have: ${unknown}`,
    );
  }
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > images) {
    throw new RangeError(
      `Cannot reconstruct with batches of ${batchSize}: it must be a whole number from 1 to the ` +
        `${images} calibration images`,
    );
  }
}
