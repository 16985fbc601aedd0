import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { HostParameters, Model } from "../../models/mod.ts";
import { decodeNetwork, encodeNetwork, type WeightStatistics } from "../../training/mod.ts";
import { stepLogCsv, stepLogPath } from "../step_log.ts";
import { networkId, type Recipe } from "../trial.ts";
import { writeFile } from "../write_file.ts";

/** A network and what its training told. */
export interface TrainedNetwork {
  readonly parameters: HostParameters;
  /** Mean share of the updates that rounding undid, where weights were rounded while training. */
  readonly updatesLost?: number;
  /** Of every step, where weights were rounded while training; only just after it. */
  readonly steps?: readonly WeightStatistics[];
  /** Who trained it, such as `commit 0123456789ab on llvmpipe`; unknown of older files. */
  readonly maker?: string;
}

/** Where trained networks are kept, so that no experiment trains one twice. */
export interface NetworkShelf {
  /** Who trains what is kept here from now on. */
  readonly maker?: string;
  load(model: Model, recipe: Recipe, seed: number): Promise<TrainedNetwork | undefined>;
  save(model: Model, recipe: Recipe, seed: number, network: TrainedNetwork): void;
}

/**
 * Keeps trained networks as safetensors files, named by recipe and seed, and beside them as CSV what
 * every step did to weights that were rounded while they were trained.
 *
 * @param folder Where; made when the first one is kept.
 * @param maker Who trains: commit and adapter, written into every file.
 * @returns The shelf. A file appears whole or not at all.
 */
export function networkShelf(folder: string, maker?: string): NetworkShelf {
  const idOf = (recipe: Recipe, seed: number) =>
    networkId({ ...recipe, seed, compression: { kind: "none" } });
  const pathOf = (recipe: Recipe, seed: number) =>
    join(folder, `${idOf(recipe, seed)}.safetensors`);
  return {
    maker,
    async load(model, recipe, seed) {
      const path = pathOf(recipe, seed);
      let bytes: Uint8Array;
      try {
        bytes = await readFile(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
      const { parameters, metadata } = decodeNetwork(model, new Uint8Array(bytes), path);
      const { updates_lost: told, maker: by } = metadata;
      return {
        parameters,
        ...told !== undefined && { updatesLost: Number(told) },
        ...by !== undefined && { maker: by },
      };
    },
    save(model, recipe, seed, { parameters, updatesLost, steps }) {
      const path = pathOf(recipe, seed);
      const bytes = encodeNetwork(model, {
        parameters,
        state: {},
        metadata: {
          model: model.title,
          seed: `${seed}`,
          ...updatesLost !== undefined && { updates_lost: `${updatesLost}` },
          ...maker !== undefined && { maker },
        },
      });
      mkdirSync(folder, { recursive: true });
      // first, so that a network that is found has its log
      if (steps !== undefined) {
        writeFile(stepLogPath(folder, idOf(recipe, seed)), stepLogCsv(steps));
      }
      writeFile(path, bytes);
    },
  };
}

/**
 * Puts a checkpoint on the shelf as the network of its trials.
 *
 * @param shelf Where trained networks are kept.
 * @param model What the file must hold.
 * @param recipe Of the trials; its `pretrained` names the file's content.
 * @param seed Of the trials.
 * @param bytes The checkpoint.
 * @param label What to call it in an error, such as its path.
 * @throws {UserError} If tensors are missing, unknown or misshaped: all of them.
 */
export function adoptNetwork(
  shelf: NetworkShelf,
  model: Model,
  recipe: Recipe,
  seed: number,
  bytes: Uint8Array,
  label: string,
): void {
  const { parameters } = decodeNetwork(model, bytes, label);
  shelf.save(model, recipe, seed, { parameters });
}
