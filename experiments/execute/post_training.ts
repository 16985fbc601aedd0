import {
  type AffineGrid,
  chooseWeightGrids,
  gptq,
  hqq,
  quantizeBySecondOrder,
} from "../../compression/mod.ts";
import { chunksOf } from "../../data/mod.ts";
import type { Device } from "../../gpu/mod.ts";
import { type HostParameters, type Model, uploadParameters } from "../../models/mod.ts";
import {
  observeActivations,
  quantizedInputs,
  type QuantizeLayer,
  quantizeLayerByLayer,
  reconstruct,
} from "../../training/mod.ts";
import { canonicalJson } from "../canonical_json.ts";
import type { PostTrainingCompression } from "../quantization_trial.ts";
import type { Bench } from "./laboratory.ts";
import { allocate, choicesOf, roundedToBits } from "./mixed_precision.ts";
import { quantizeWeights, roundOnGrids } from "./quantize_weights.ts";

/** Training images on which the ranges of activations are found where a method needs no others. */
const RANGE_IMAGES = 256;

/** What a network computes with after it was quantized. */
export interface PostTrainedNetwork {
  /** Dequantized weights, and biases. */
  readonly parameters: HostParameters;
  /** Grids of the layers' inputs by layer; empty where activations are float32. */
  readonly activations: Readonly<Record<string, AffineGrid>>;
}

type Of<M extends PostTrainingCompression["method"]> = Extract<
  PostTrainingCompression,
  { method: M }
>;

/** Grids of the inputs of one network, found on the float32 network. */
async function inputGrids(
  device: Device,
  model: Model,
  host: HostParameters,
  { activations }: PostTrainingCompression,
  bench: Bench,
): Promise<Record<string, AffineGrid>> {
  if (activations === undefined) return {};
  using _scope = device.scope();
  const { tensors } = uploadParameters(device, model, [host]);
  const images = bench.calibrationSet(RANGE_IMAGES);
  const found = await observeActivations(device, model, tensors, [activations], images);
  return Object.fromEntries(Object.entries(found).map(([layer, [grid]]) => [layer, grid]));
}

/** What the Hessian of a layer decides. */
function layerMethod(compression: Of<"gptq" | "second_order">): QuantizeLayer {
  if (compression.method === "second_order") {
    const { weights: grids, sweeps } = compression;
    return (layer, label) => quantizeBySecondOrder(layer, { grids: { ...grids, label }, sweeps });
  }
  return ({ weight, shape, moments }, label) => {
    const values = Float32Array.from(weight);
    const grids = chooseWeightGrids(values, shape, { ...compression.weights, label });
    return gptq(values, shape, grids, moments.hessian);
  };
}

async function byLayers(
  device: Device,
  model: Model,
  host: HostParameters,
  compression: Of<"gptq" | "second_order">,
  bench: Bench,
  grids: Readonly<Record<string, AffineGrid>>,
): Promise<HostParameters> {
  using _scope = device.scope();
  const chunks = chunksOf(device, bench.calibrationSet(compression.images));
  const { parameters } = await quantizeLayerByLayer(
    device,
    model,
    host,
    chunks,
    layerMethod(compression),
    {
      inputs: compression.method === "gptq" ? "quantized" : "matched",
      ...compression.activations !== undefined &&
        { layerInput: quantizedInputs(device, [grids]) },
    },
  );
  return parameters;
}

/** Bits of the layers of several networks, from what is measured of them once. */
async function byBudget(
  device: Device,
  model: Model,
  host: HostParameters,
  together: readonly Of<"mixed_precision">[],
  bench: Bench,
): Promise<HostParameters[]> {
  if (together.length === 0) return [];
  using _scope = device.scope();
  const quantize = roundedToBits();
  const choicesFor = choicesOf(device, model, host, bench, quantize);
  const made: HostParameters[] = [];
  for (const one of together) {
    const { bits } = allocate(await choicesFor(one), one);
    const { parameters } = quantizeWeights(model, host, (_values, shape, name) => {
      const values = host[name];
      return quantize(values, shape, bits[name.replace(/\.weight$/, "")]);
    });
    made.push(parameters);
  }
  return made;
}

/** Networks that learn by one plan learn together. */
async function byReconstruction(
  device: Device,
  model: Model,
  host: HostParameters,
  together: readonly Of<"reconstruction">[],
  bench: Bench,
  seed: number,
): Promise<PostTrainedNetwork[]> {
  const [{ plan, images }] = together;
  const last = model.layers.at(-1)!;
  const variants = together.map(({ weights, lastWeights, activations }) => ({
    parameters: host,
    weights,
    ...lastWeights && { exceptions: { [last]: lastWeights } },
    ...activations && { activations },
    seed,
  }));
  const made = await reconstruct(device, model, variants, bench.calibrationSet(images), plan);
  return made.map(({ weights, activations }) => ({
    parameters: quantizeWeights(model, host, (_values, _shape, name) => weights[name]).parameters,
    activations,
  }));
}

/**
 * Quantizes copies of a trained network, each by its own method.
 *
 * @param device Where calibration runs.
 * @param model The model, its batch norms folded.
 * @param host Its trained weights.
 * @param compressions One a copy; all quantize activations, or none.
 * @param bench Its data.
 * @param seed Of roundings that are learned.
 * @returns One network a copy.
 */
export async function postTrain(
  device: Device,
  model: Model,
  host: HostParameters,
  compressions: readonly PostTrainingCompression[],
  bench: Bench,
  seed: number,
): Promise<PostTrainedNetwork[]> {
  const learned = new Map<PostTrainingCompression, PostTrainedNetwork>();
  const learning = compressions.filter((one) => one.method === "reconstruction");
  const plans = Map.groupBy(learning, ({ plan, images }) => canonicalJson({ plan, images }));
  for (const together of plans.values()) {
    const made = await byReconstruction(device, model, host, together, bench, seed);
    together.forEach((one, i) => learned.set(one, made[i]));
  }
  const budgeted = compressions.filter((one) => one.method === "mixed_precision");
  const allocated = await byBudget(device, model, host, budgeted, bench);
  const made: PostTrainedNetwork[] = [];
  for (const one of compressions) {
    if (one.method === "reconstruction") {
      made.push(learned.get(one)!);
      continue;
    }
    const activations = await inputGrids(device, model, host, one, bench);
    const parameters = one.method === "nearest"
      ? quantizeWeights(model, host, roundOnGrids(one.weights, "nearestEven")).parameters
      : one.method === "mixed_precision"
      ? allocated[budgeted.indexOf(one)]
      : one.method === "hqq"
      ? quantizeWeights(model, host, (values, shape) => hqq(values, shape, one)).parameters
      : await byLayers(device, model, host, one, bench, activations);
    made.push({ parameters, activations });
  }
  return made;
}
