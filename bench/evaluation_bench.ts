import { chunksOf, loadDataset, uploadImages } from "../data/mod.ts";
import type { Device, Timing } from "../gpu/mod.ts";
import { fcNN, initialParameters, uploadParameters } from "../models/mod.ts";
import { evaluate } from "../training/mod.ts";
import { type Repeat, timeAlternately } from "./alternate.ts";

/** One size of population. */
export interface EvaluationRow {
  /** Such as `FC_NN 784-64-32-10`. */
  readonly model: string;
  /** Images that every network sees. */
  readonly images: number;
  /** Networks in the same dispatches. */
  readonly networks: number;
  /** Milliseconds a network, the wait for the counts included. */
  readonly timing: Timing;
}

const POPULATIONS = [1, 8];

/**
 * Times the evaluation of MNIST's 10,000 test images, for one network and for several at once.
 *
 * @param device Where to run.
 * @param seconds How long to measure each row at least.
 * @returns One row a size of population.
 */
export async function benchEvaluation(device: Device, seconds: number): Promise<EvaluationRow[]> {
  const { test } = await loadDataset("mnist");
  const model = fcNN();
  using _scope = device.scope();
  const chunks = chunksOf(device, uploadImages(device, test));
  const repeats = POPULATIONS.map((networks): Repeat => {
    const initial = Array.from({ length: networks }, (_, seed) => initialParameters(model, seed));
    const { tensors } = uploadParameters(device, model, initial);
    return async (times) => {
      for (let i = 0; i < times; i++) await evaluate(model, tensors, networks, chunks);
    };
  });
  const timings = await timeAlternately(device, seconds, repeats);
  return POPULATIONS.map((networks, i) => ({
    model: model.title,
    images: test.count,
    networks,
    timing: {
      median: timings[i].median / networks,
      p10: timings[i].p10 / networks,
      p90: timings[i].p90 / networks,
      repetitions: timings[i].repetitions,
    },
  }));
}
