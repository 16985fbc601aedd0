import { quantizeWeight, sparsify } from "../../compression/mod.ts";
import type { Device, Tensor } from "../../gpu/mod.ts";
import {
  type ForwardHooks,
  type HostParameters,
  type Model,
  type ParameterTensors,
  uploadParameters,
} from "../../models/mod.ts";
import { canonicalJson } from "../canonical_json.ts";
import type {
  PostTrainingCompression,
  QuantizationAwareCompression,
} from "../quantization_trial.ts";
import type { AffineCompression, CompressionSpec } from "../trial.ts";
import { isLayerMethod } from "./by_layers.ts";
import { type ActivationRanges, gridsOfRanges, quantizedInputs } from "../../training/mod.ts";
import { onLevels } from "./level_weights.ts";
import { sparsityStage } from "./sparsity_stage.ts";

/** Copies of one network, each compressed in its own way, evaluated in the same dispatches. */
export interface Variants {
  readonly networks: number;
  /** What they are: the model, or one that quantizes as it computes. */
  readonly model: Model;
  readonly tensors: ParameterTensors;
  readonly hooks: ForwardHooks;
  /** What calibration found of each, where there is something to say. */
  readonly remarks?: readonly (readonly string[])[];
  /** Of the weights of each, packed, where they are counted. */
  readonly bytes?: readonly number[];
}

/** Compressions that need the weights alone, and ranges of activations at most. */
export type WeightCompression = Exclude<
  CompressionSpec,
  PostTrainingCompression | QuantizationAwareCompression
>;

/**
 * Post-training methods that share a hook for activations, and what was measured or is learned together.
 * What goes through a network layer by layer takes its time: each is a group, and reported once it is done.
 */
function postTrainingKey(compression: PostTrainingCompression): string {
  const { method, rescaling, activations } = compression;
  if (isLayerMethod(method)) return canonicalJson(compression);
  const grids = activations === undefined || "range" in activations ? activations : "grids";
  const plan = method === "reconstruction" ? compression.plan : undefined;
  const images = "images" in compression ? compression.images : undefined;
  return canonicalJson({ method, rescaling, grids, plan, images });
}

/** Compressions of one group differ in numbers only, so that one dispatch makes all of them. */
export function groupKey(compression: CompressionSpec): string {
  switch (compression.kind) {
    case "none":
      return "none";
    case "affine":
      return `affine ${compression.activations}`;
    case "post_training":
      return postTrainingKey(compression);
    case "quantization_aware":
    case "levels":
      return JSON.stringify(compression);
    default: {
      const { keep: _keep, ...same } = compression;
      return JSON.stringify(same);
    }
  }
}

/** Weights of the layers that a compression touches; biases are left alone. */
function touchedLayers(model: Model, layers: "first" | "all"): readonly string[] {
  return layers === "first" ? model.layers.slice(0, 1) : model.layers;
}

/**
 * Compresses P copies of a network.
 *
 * @param device Where they live.
 * @param model The model.
 * @param host Its trained weights.
 * @param compressions One a copy, all of one group; see {@link groupKey}.
 * @param ranges Of the layers' inputs, where activations are quantized.
 * @param seed Of the network, for what is rounded at random.
 * @returns The copies, and what to do to their activations.
 */
export async function buildVariants(
  device: Device,
  model: Model,
  host: HostParameters,
  compressions: readonly WeightCompression[],
  ranges: ActivationRanges,
  seed: number,
): Promise<Variants> {
  const networks = compressions.length;
  const { tensors } = uploadParameters(device, model, compressions.map(() => host));
  const compressed: Record<string, Tensor> = { ...tensors };
  const [first] = compressions;
  let hooks: ForwardHooks = {};
  if (first.kind === "affine") {
    const variants = compressions as readonly AffineCompression[];
    for (const layer of model.layers) {
      const name = `${layer}.weight`;
      compressed[name] = quantizeWeight(tensors[name], host[name], variants, name);
    }
    if (first.activations) {
      const grids = variants.map(({ bits }) => gridsOfRanges(model, ranges, bits));
      hooks = { layerInput: quantizedInputs(device, grids) };
    }
  } else if (first.kind === "levels") {
    const { tensors } = uploadParameters(device, model, [onLevels(model, host, first, seed)]);
    return { networks, model, tensors, hooks };
  } else if (first.kind !== "none") {
    const keeps = compressions.map((one) => (one as typeof first).keep);
    for (const layer of touchedLayers(model, first.layers)) {
      const name = `${layer}.weight`;
      const stage = sparsityStage(first, model);
      compressed[name] = (await sparsify(tensors[name], stage, keeps)).weights;
    }
  }
  return { networks, model, tensors: compressed, hooks };
}
