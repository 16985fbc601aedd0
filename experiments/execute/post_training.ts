import { type AffineGrid, hqq } from "../../compression/mod.ts";
import { chunksOf } from "../../data/mod.ts";
import type { Device } from "../../gpu/mod.ts";
import {
  type ForwardHooks,
  type HostParameters,
  type Model,
  uploadParameters,
} from "../../models/mod.ts";
import {
  calibrate,
  dynamicInputs,
  equalizeNetwork,
  fewImagesRemarks,
  observeActivations,
  OBSERVED_IMAGES,
  quantizedInputs,
  reconstruct,
  smoothNetwork,
} from "../../training/mod.ts";
import type { PostTrainingCompression } from "../quantization_trial.ts";
import { type LayerMethod, quantizeByLayers } from "./by_layers.ts";
import type { Bench } from "./laboratory.ts";
import { allocate, surveyOf } from "./mixed_precision.ts";
import {
  bytesOf,
  type QuantizeOneWeight,
  quantizeWeights,
  roundOnGrids,
} from "./quantize_weights.ts";

/** What a network computes with after it was quantized. */
export interface PostTrainedNetwork {
  /** Dequantized weights, and biases. */
  readonly parameters: HostParameters;
  /** Grids of the layers' inputs by layer; empty where activations are float32. */
  readonly activations: InputGrids;
  /** Of the weights' codes and grids, packed. */
  readonly bytes: number;
  /** What calibration found that should make one careful. */
  readonly remarks?: readonly string[];
}

type InputGrids = Readonly<Record<string, AffineGrid>>;

type QuantizedCopy = Omit<PostTrainedNetwork, "activations">;

type Of<M extends PostTrainingCompression["method"]> = Extract<
  PostTrainingCompression,
  { method: M }
>;

/**
 * Makes the hook that quantizes what goes into the layers of networks of one group.
 *
 * @param device Where; what the hook needs belongs to the scope of this call.
 * @param first The first of the group.
 * @param networks Grids of each.
 * @returns What `ForwardHooks.layerInput` takes; nothing where activations are float32.
 */
export function inputHook(
  device: Device,
  { activations }: PostTrainingCompression,
  networks: readonly InputGrids[],
): ForwardHooks["layerInput"] {
  if (activations === undefined) return undefined;
  return "range" in activations
    ? dynamicInputs(device, activations.bits)
    : quantizedInputs(device, networks);
}

/** Grids of the inputs of one network, and what is to be said of them. */
type ObservedCopy = Omit<PostTrainedNetwork, "parameters" | "bytes">;

/** Grids of the inputs of one network, found on the float32 network; none where none are kept. */
async function inputGrids(
  device: Device,
  model: Model,
  host: HostParameters,
  { activations }: PostTrainingCompression,
  bench: Bench,
): Promise<ObservedCopy> {
  if (activations === undefined || "range" in activations) return { activations: {} };
  using _scope = device.scope();
  const { tensors } = uploadParameters(device, model, [host]);
  const images = bench.calibrationSet();
  const found = await observeActivations(device, model, tensors, [activations], images);
  const grids = Object.entries(found.grids).map(([layer, [grid]]) => [layer, grid]);
  return { activations: Object.fromEntries(grids), remarks: [...found.few, ...found.remarks[0]] };
}

async function byLayers(
  device: Device,
  model: Model,
  host: HostParameters,
  compression: Of<LayerMethod["method"]>,
  bench: Bench,
  grids: InputGrids,
): Promise<QuantizedCopy> {
  using _scope = device.scope();
  const chunks = chunksOf(device, bench.calibrationSet(compression.images));
  const layerInput = inputHook(device, compression, [grids]);
  const made = await quantizeByLayers(device, model, host, compression, chunks, layerInput);
  return {
    parameters: made.parameters,
    bytes: bytesOf(made.weights),
    remarks: made.remarks,
  };
}

/** Bits of the layers of several networks, from what is measured of them once. */
async function byBudget(
  device: Device,
  model: Model,
  host: HostParameters,
  together: readonly Of<"mixed_precision">[],
  bench: Bench,
): Promise<QuantizedCopy[]> {
  using _scope = device.scope();
  const survey = surveyOf(device, model, host, bench);
  const made: QuantizedCopy[] = [];
  for (const one of together) {
    const { bits } = allocate(await survey.choicesFor(one), one);
    const { parameters, bytes } = quantizeWeights(model, host, (_values, shape, name) => {
      const values = host[name];
      return survey.quantize(values, shape, bits[name.replace(/\.weight$/, "")]);
    });
    made.push({ parameters, bytes });
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
  const variants = together.map(({ weights, activations }) => ({
    parameters: host,
    weights,
    ...activations && { activations },
    seed,
  }));
  const made = await reconstruct(device, model, variants, bench.calibrationSet(images), plan);
  return made.map(({ weights, activations, remarks }) => ({
    ...quantizeWeights(model, host, (_values, _shape, name) => weights[name]),
    activations,
    remarks,
  }));
}

/** The float32 network that is quantized, and what is to be said of how it was rescaled. */
async function rescale(
  device: Device,
  model: Model,
  host: HostParameters,
  { rescaling }: PostTrainingCompression,
  bench: Bench,
): Promise<Omit<QuantizedCopy, "bytes">> {
  if (rescaling === undefined) return { parameters: host };
  if (rescaling.kind === "equalized") return { parameters: equalizeNetwork(model, host) };
  using _scope = device.scope();
  const images = bench.calibrationSet();
  const chunks = chunksOf(device, images);
  const { tensors } = uploadParameters(device, model, [host]);
  const { remarks } = await calibrate(device, model, tensors, chunks);
  return {
    parameters: await smoothNetwork(device, model, host, chunks, rescaling.alpha),
    remarks: [
      ...fewImagesRemarks(`all layers of ${model.title}`, images.count, OBSERVED_IMAGES),
      ...remarks,
    ],
  };
}

/**
 * Quantizes copies of a trained network.
 *
 * @param device Where calibration runs.
 * @param model The model, its batch norms folded.
 * @param host Its trained weights.
 * @param compressions One a copy, all of one group; see `groupKey`.
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
  const [first] = compressions;
  const { parameters: rescaled, remarks } = await rescale(device, model, host, first, bench);
  if (first.method === "reconstruction") {
    const together = compressions as readonly Of<"reconstruction">[];
    const made = await byReconstruction(device, model, rescaled, together, bench, seed);
    return made.map((one) => ({ ...one, remarks: eachOnce(remarks, one.remarks) }));
  }
  const budgeted = first.method === "mixed_precision"
    ? await byBudget(device, model, rescaled, compressions as Of<"mixed_precision">[], bench)
    : [];
  const made: PostTrainedNetwork[] = [];
  for (const [i, one] of compressions.entries()) {
    const observed = await inputGrids(device, model, rescaled, one, bench);
    const copy = budgeted[i] ??
      await quantized(device, model, rescaled, one as Single, bench, observed.activations);
    const said = eachOnce(remarks, observed.remarks, copy.remarks);
    made.push({ ...copy, ...observed, remarks: said });
  }
  return made;
}

function eachOnce(...lists: readonly (readonly string[] | undefined)[]): string[] {
  return [...new Set(lists.flatMap((list) => list ?? []))];
}

/** Methods that make one network at a time. */
type Single = Of<"nearest" | "hqq" | LayerMethod["method"]>;

async function quantized(
  device: Device,
  model: Model,
  host: HostParameters,
  one: Single,
  bench: Bench,
  grids: InputGrids,
): Promise<QuantizedCopy> {
  switch (one.method) {
    case "nearest":
      return quantizeWeights(model, host, roundOnGrids(one.weights, "nearestEven"));
    case "hqq": {
      const quantize: QuantizeOneWeight = (values, shape, label) =>
        hqq(values, shape, { ...one, label });
      return quantizeWeights(model, host, quantize);
    }
    default:
      return await byLayers(device, model, host, one, bench, grids);
  }
}
