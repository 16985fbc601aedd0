import { type Model, readParameters } from "../../models/mod.ts";
import { checkFiniteWeights, createTrainer } from "../../training/mod.ts";
import { mean } from "../statistics.ts";
import type { Recipe } from "../trial.ts";
import type { Bench, Laboratory } from "./laboratory.ts";
import type { TrainedNetwork } from "./network_shelf.ts";

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
    ...statistics.length > 0 && {
      updatesLost: mean(statistics.map((row) => row[p].updatesLost)),
      steps: statistics.map((row) => row[p]),
    },
  }));
}
