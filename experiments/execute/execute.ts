import { foldBatchNorms, type Model, uploadParameters } from "../../models/mod.ts";
import type { Execute, Report } from "../executor.ts";
import { networkId, type Recipe, type Trial, trialId } from "../trial.ts";
import { calibrate, evaluate, type Evaluation, type ObservedRanges } from "../../training/mod.ts";
import { compress } from "./compress.ts";
import { type Bench, type Laboratory, modelOn } from "./laboratory.ts";
import { levelMetrics } from "./level_weights.ts";
import type { NetworkShelf, TrainedNetwork } from "./network_shelf.ts";
import { trainNetworks } from "./networks.ts";
import { groupKey } from "./variants.ts";

/** Bytes that the inputs of one evaluation may take: populations are cut to fit. */
const EVALUATION_BYTES = 64 * 2 ** 20;
/** More networks in one evaluation gain nothing. */
const MOST_NETWORKS = 16;

/** Trials by a key, in order of first appearance. */
function groupBy(trials: readonly Trial[], key: (trial: Trial) => string): Trial[][] {
  const groups = new Map<string, Trial[]>();
  for (const trial of trials) groups.set(key(trial), [...groups.get(key(trial)) ?? [], trial]);
  return [...groups.values()];
}

/** Cuts a list into runs of at most `size`. */
function runsOf<T>(list: readonly T[], size: number): T[][] {
  return Array.from(
    { length: Math.ceil(list.length / size) },
    (_, i) => list.slice(i * size, (i + 1) * size),
  );
}

/** Trials of one key are trained and judged on the same images. */
function benchKey({ data, model, training, pretrained, images }: Trial): string {
  return JSON.stringify([data, model, training, pretrained, images]);
}

function failAll(trials: readonly Trial[], error: unknown, report: Report): void {
  const words = error instanceof Error ? error.message : String(error);
  for (const trial of trials) report(trialId(trial), { status: "failed", error: words });
}

/** Of what needs no ranges. */
const NOT_CALIBRATED: ObservedRanges = { ranges: {}, remarks: [] };

/** How well a copy does, and what is to be said of its calibration. */
interface Measured {
  readonly evaluation: Evaluation;
  readonly remarks: readonly string[];
  readonly bytes: number | undefined;
}

/** Measures every compression of one trained network, its batch norms folded. */
async function measureNetwork(
  { device }: Laboratory,
  trained: Model,
  bench: Bench,
  { parameters: values, updatesLost, maker }: TrainedNetwork,
  isOurs: boolean,
  trials: readonly Trial[],
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const { model, parameters: host } = foldBatchNorms(trained, values);
  let calibrated: Promise<ObservedRanges> | undefined;
  const calibrationFor = ({ compression }: Trial): ObservedRanges | Promise<ObservedRanges> => {
    if (compression.kind !== "affine" || !compression.activations) return NOT_CALIBRATED;
    return calibrated ??= calibrate(
      device,
      model,
      uploadParameters(device, model, [host]).tensors,
      bench.calibration,
    );
  };
  const measure = async (together: readonly Trial[]): Promise<Measured[]> => {
    using _scope = device.scope();
    const { ranges, remarks: found } = await calibrationFor(together[0]);
    const variants = await compress(device, model, host, together, bench, ranges, signal);
    const { networks, model: made, tensors, hooks, remarks, bytes } = variants;
    const evaluations = await evaluate(made, tensors, networks, bench.judge, hooks);
    const { compression } = together[0];
    const isRanged = compression.kind === "affine" && compression.activations;
    const usual = isRanged ? [...bench.calibrationRemarks, ...found] : [];
    return evaluations.map((evaluation, p) => ({
      evaluation,
      remarks: remarks?.[p] ?? usual,
      bytes: bytes?.[p],
    }));
  };
  const inputBytes = 4 * bench.judge[0].count * bench.inputShape.reduce((a, b) => a * b, 1);
  const atOnce = Math.max(1, Math.min(MOST_NETWORKS, Math.floor(EVALUATION_BYTES / inputBytes)));
  for (const group of groupBy(trials, ({ compression }) => groupKey(compression))) {
    const waiting = [...runsOf(group, atOnce)];
    for (let together = waiting.shift(); together !== undefined; together = waiting.shift()) {
      signal.throwIfAborted();
      const started = performance.now();
      let results: Measured[];
      try {
        results = await measure(together);
      } catch (error) {
        signal.throwIfAborted();
        if (together.length > 1) {
          // nor must one bad compression: each tries again alone
          waiting.unshift(...together.map((trial) => [trial]));
        } else failAll(together, error, report);
        continue;
      }
      const seconds = (performance.now() - started) / 1000 / together.length;
      together.forEach((trial, p) => {
        const { evaluation: { accuracy, loss, predictedClasses }, remarks, bytes } = results[p];
        const metrics = {
          testAccuracy: accuracy,
          testLoss: loss,
          predictedClasses,
          ...bytes !== undefined && { bytes },
          ...levelMetrics(model, host, trial),
          ...updatesLost !== undefined && { updatesLost },
        };
        const all = isOurs ? remarks : [...remarks, `the network was trained earlier: ${maker}`];
        const said = all.length > 0 && { remarks: all };
        report(trialId(trial), { status: "done", metrics, seconds, ...said });
      });
    }
  }
}

/** What an executor is told beside its trials. */
export interface ExecutorOptions {
  /** Where trained networks are kept. */
  readonly shelf: NetworkShelf;
  /** How many seeds are trained side by side: 1 on a processor, more on a GPU. */
  readonly seedsTogether: number;
}

/**
 * Makes an executor that measures trials on one device, in this process.
 *
 * Trials with the same recipe and seed share one trained network; the compressions of a network are
 * evaluated as a population.
 *
 * @param laboratory Device and data.
 * @param options Where networks are kept, how many are trained at once.
 * @returns The executor.
 */
export function deviceExecutor(laboratory: Laboratory, options: ExecutorOptions): Execute {
  const { shelf, seedsTogether } = options;
  return async (trials, report, signal) => {
    for (const ofRecipe of groupBy(trials, benchKey)) {
      const [recipe] = ofRecipe;
      const bench = await laboratory.bench(ofRecipe[0]);
      const model = modelOn(recipe.model, bench);
      for (const together of runsOf(groupBy(ofRecipe, networkId), seedsTogether)) {
        signal.throwIfAborted();
        await measureSeeds(laboratory, model, bench, recipe, together);
      }
    }

    async function measureSeeds(
      lab: Laboratory,
      model: Model,
      bench: Bench,
      recipe: Recipe,
      networks: readonly Trial[][],
    ): Promise<void> {
      const entries: { seed: number; trials: Trial[]; host?: TrainedNetwork }[] = [];
      for (const ofNetwork of networks) {
        const [{ seed }] = ofNetwork;
        try {
          entries.push({ seed, trials: ofNetwork, host: await shelf.load(model, recipe, seed) });
        } catch (error) {
          failAll(ofNetwork, error, report);
        }
      }
      if (recipe.pretrained !== undefined) {
        for (const { trials: lacking } of entries.filter(({ host }) => host === undefined)) {
          const words = `Cannot measure a pretrained network: it must be with the trained ones: ` +
            `SHA-256 ${recipe.pretrained} is not`;
          failAll(lacking, words, report);
        }
        return await measureEntries(entries);
      }
      const missing = entries.filter(({ host }) => host === undefined);
      const seeds = missing.map(({ seed }) => seed);
      if (missing.length > 0) {
        const tell = (completed: number, epoch: number, epochs: number) => {
          const who = `seed${seeds.length === 1 ? "" : "s"} ${seeds.join(", ")}`;
          const note = `${who}, epoch ${epoch} of ${epochs}`;
          for (const { trials: [trial] } of missing) {
            report(trialId(trial), { status: "training", completed, note });
          }
        };
        try {
          const trained = await trainNetworks(lab, model, bench, recipe, seeds, tell, signal);
          for (const [i, entry] of missing.entries()) {
            shelf.save(model, recipe, entry.seed, trained[i]);
            entry.host = trained[i];
          }
        } catch (error) {
          signal.throwIfAborted();
          const failed = missing.filter(({ host }) => host === undefined);
          for (const { trials } of failed) {
            // one broken seed must not take the others with it: each tries again alone
            if (failed.length > 1) await measureSeeds(lab, model, bench, recipe, [trials]);
            else failAll(trials, error, report);
          }
        }
      }
      await measureEntries(entries);

      async function measureEntries(all: typeof entries): Promise<void> {
        for (const { host, trials: ofNetwork } of all) {
          if (host === undefined) continue;
          // of older files and checkpoints nobody knows
          const isOurs = host.maker === undefined || host.maker === shelf.maker;
          await measureNetwork(lab, model, bench, host, isOurs, ofNetwork, report, signal);
        }
      }
    }
  };
}
