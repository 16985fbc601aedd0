import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Dataset } from "../data/mod.ts";
import { sha256Hex } from "../data/sha256.ts";
import { adoptNetwork, networkShelf } from "../experiments/execute/network_shelf.ts";
import type { Experiment } from "../experiments/mod.ts";
import { UserError } from "../formats/mod.ts";
import { createModel, type ModelSpec } from "../models/mod.ts";
import { readCheckpointFile } from "./checkpoint_file.ts";

/** A network that a sweep is given. */
export interface Checkpoint {
  /** Where it was read from. */
  readonly path: string;
  /** The file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Of the file, 64 hexadecimal digits. */
  readonly sha256: string;
}

/** Residual networks are not trained by a sweep: theirs is given, or in the folder of data. */
function pathFor(name: string, model: ModelSpec, given: string | undefined): string | undefined {
  if (given !== undefined || model.kind !== "resnet") return given;
  const data = Deno.env.get("BITCLIFF_DATA");
  const path = data && join(data, "resnet", `${name}.safetensors`);
  if (path && existsSync(path)) return path;
  throw new UserError(
    `Cannot sweep ${name}: it must come from --checkpoint FILE, or as resnet/${name}.safetensors in ` +
      `the folder that BITCLIFF_DATA names: ${path ? `${path} is not there` : "neither is given"}`,
  );
}

/**
 * Reads the network that a sweep shall reduce instead of training its own.
 *
 * @param name Name of the model, as it was typed.
 * @param model The model.
 * @param given Path of a safetensors file; without it, residual networks are looked for in the folder
 *   that `BITCLIFF_DATA` names, and the others are trained.
 * @returns The network, or `undefined` if it is trained.
 * @throws {UserError} If the file cannot be read, or a residual network is nowhere.
 */
export async function readCheckpoint(
  name: string,
  model: ModelSpec,
  given: string | undefined,
): Promise<Checkpoint | undefined> {
  const path = pathFor(name, model, given);
  if (path === undefined) return undefined;
  const bytes = await readCheckpointFile(path);
  return { path, bytes, sha256: await sha256Hex(bytes) };
}

/**
 * Keeps a checkpoint where the trials of experiments look for their networks.
 *
 * @param checkpoint The network.
 * @param experiments Whose trials name it.
 * @param folder Of trained networks.
 * @param dataset Whose images it looks at.
 * @throws {UserError} If its tensors are not those of the model: all that are wrong.
 */
export function keepCheckpoint(
  { path, bytes }: Checkpoint,
  experiments: readonly Experiment[],
  folder: string,
  { train, classes }: Dataset,
): void {
  const shelf = networkShelf(folder);
  for (const experiment of experiments) {
    const trial = experiment.baseline(0);
    const { channels, height, width } = train;
    const model = createModel(trial.model, [channels, height, width], classes.length);
    adoptNetwork(shelf, model, trial, trial.seed, bytes, path);
  }
}
