import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { HostParameters, Model } from "../../models/mod.ts";
import { readParameters } from "../../models/mod.ts";
import {
  checkFiniteWeights,
  createTrainer,
  decodeNetwork,
  encodeNetwork,
} from "../../training/mod.ts";
import { mean } from "../statistics.ts";
import { networkId, type Recipe } from "../trial.ts";
import { writeFile } from "../write_file.ts";
import type { Bench, Laboratory } from "./laboratory.ts";

/** A network and what its training told. */
export interface TrainedNetwork {
  readonly parameters: HostParameters;
  /** Mean share of the updates that rounding undid, where weights were rounded while training. */
  readonly updatesLost?: number;
}

/** Where trained networks are kept, so that no experiment trains one twice. */
export interface NetworkShelf {
  load(model: Model, recipe: Recipe, seed: number): Promise<TrainedNetwork | undefined>;
  save(model: Model, recipe: Recipe, seed: number, network: TrainedNetwork): void;
}

/**
 * Keeps trained networks as safetensors files, named by recipe and seed.
 *
 * @param folder Where; made when the first one is kept.
 * @returns The shelf. A file appears whole or not at all.
 */
export function networkShelf(folder: string): NetworkShelf {
  const pathOf = (recipe: Recipe, seed: number) =>
    join(folder, `${networkId({ ...recipe, seed, compression: { kind: "none" } })}.safetensors`);
  return {
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
      const told = metadata.updates_lost;
      return { parameters, ...told !== undefined && { updatesLost: Number(told) } };
    },
    save(model, recipe, seed, { parameters, updatesLost }) {
      const path = pathOf(recipe, seed);
      const bytes = encodeNetwork(model, {
        parameters,
        state: {},
        metadata: {
          model: model.title,
          seed: `${seed}`,
          ...updatesLost !== undefined && { updates_lost: `${updatesLost}` },
        },
      });
      mkdirSync(folder, { recursive: true });
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

/** Steps between two words about the progress. */
const STEPS_A_REPORT = 512;

/** Told how far a training is. */
export type TrainingProgress = (completed: number, epoch: number, epochs: number) => void;

/**
 * Trains the networks of several seeds side by side, as one population.
 *
 * @param laboratory Device and data.
 * @param model What to train.
 * @param bench The data of the recipe.
 * @param recipe How to train.
 * @param seeds One network a seed.
 * @param onProgress Told a few times a second.
 * @param signal Stops the training.
 * @returns Weights, averaged or rounded if the recipe says so, one network a seed; the same as if each
 *   had been trained alone.
 * @throws {NonFiniteLossError} If a loss is not finite.
 * @throws {NonFiniteWeightError} If a weight is not finite in the end.
 */
export async function trainNetworks(
  { device }: Laboratory,
  model: Model,
  bench: Bench,
  recipe: Recipe,
  seeds: readonly number[],
  onProgress: TrainingProgress,
  signal: AbortSignal,
): Promise<TrainedNetwork[]> {
  using _scope = device.scope();
  using trainer = createTrainer(device, model, bench.train, recipe.training, { seeds });
  const { totalSteps, stepsPerEpoch } = trainer;
  onProgress(0, 1, recipe.training.epochs);
  while (trainer.stepsDone < totalSteps) {
    signal.throwIfAborted();
    await trainer.train(STEPS_A_REPORT);
    const epoch = Math.min(
      recipe.training.epochs,
      1 + Math.floor(trainer.stepsDone / stepsPerEpoch),
    );
    onProgress(trainer.stepsDone / totalSteps, epoch, recipe.training.epochs);
  }
  const networks = await readParameters(trainer.evaluated);
  networks.forEach((network, i) => checkFiniteWeights(network, seeds[i], totalSteps));
  const { statistics } = trainer;
  return networks.map((parameters, p) => ({
    parameters,
    ...statistics.length > 0 && { updatesLost: mean(statistics.map((row) => row[p].updatesLost)) },
  }));
}
