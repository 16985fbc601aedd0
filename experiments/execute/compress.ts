import type { Device } from "../../gpu/mod.ts";
import { type HostParameters, type Model, uploadParameters } from "../../models/mod.ts";
import type { PostTrainingCompression } from "../quantization_trial.ts";
import type { Trial } from "../trial.ts";
import type { ActivationRanges } from "../../training/mod.ts";
import type { Bench } from "./laboratory.ts";
import { inputHook, postTrain } from "./post_training.ts";
import { trainAware } from "./quantization_aware.ts";
import { buildVariants, type Variants, type WeightCompression } from "./variants.ts";

/**
 * Compresses copies of a trained network as the trials of one group say.
 *
 * @param device Where they live.
 * @param model The model, its batch norms folded.
 * @param host Its trained weights.
 * @param together Trials of one group; see `groupKey`. What is trained on is a group of its own.
 * @param bench Their data.
 * @param ranges Of the layers' inputs, where min-max ranges are asked for.
 * @param signal Stops a training.
 * @returns The copies, ready to be evaluated.
 */
export async function compress(
  device: Device,
  model: Model,
  host: HostParameters,
  together: readonly Trial[],
  bench: Bench,
  ranges: ActivationRanges,
  signal: AbortSignal,
): Promise<Variants> {
  const [{ compression: first, seed }] = together;
  const compressions = together.map(({ compression }) => compression);
  if (first.kind === "quantization_aware") {
    return await trainAware(device, model, host, first, bench, seed, signal);
  }
  if (first.kind === "post_training") {
    const wanted = compressions as readonly PostTrainingCompression[];
    const made = await postTrain(device, model, host, wanted, bench, seed);
    const copies = made.map(({ parameters }) => parameters);
    const { tensors } = uploadParameters(device, model, copies);
    const grids = made.map(({ activations }) => activations);
    // without a hook a model may read pixels as it computes
    const layerInput = inputHook(device, first, grids);
    const hooks = layerInput ? { layerInput } : {};
    const remarks = made.map((one) => one.remarks ?? []);
    const bytes = made.map((one) => one.bytes);
    return { networks: made.length, model, tensors, hooks, remarks, bytes };
  }
  return await buildVariants(
    device,
    model,
    host,
    compressions as readonly WeightCompression[],
    ranges,
    seed,
  );
}
