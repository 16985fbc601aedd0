import { type AffineQuantization, type Bits, quantizeWeight } from "../compression/mod.ts";
import { chunksOf, loadDataset, uploadImages } from "../data/mod.ts";
import type { Device, Tensor, Timing } from "../gpu/mod.ts";
import {
  fcNN,
  type HostParameters,
  initialParameters,
  type Model,
  uploadParameters,
} from "../models/mod.ts";
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
  /** Whether they are one network, quantized anew to other bits and ranges in every repetition. */
  readonly isQuantized: boolean;
  /** Milliseconds a network, the wait for the counts included. */
  readonly timing: Timing;
}

const ROWS = [
  { networks: 1, isQuantized: false },
  { networks: 8, isQuantized: false },
  { networks: 1, isQuantized: true },
  { networks: 16, isQuantized: true },
];

/** Weights of one network, each copy with its own bits and granularity. */
function quantizedCopies(
  model: Model,
  host: HostParameters,
  tensors: Readonly<Record<string, Tensor>>,
  networks: number,
): Record<string, Tensor> {
  const variants = Array.from({ length: networks }, (_, i): AffineQuantization => ({
    bits: (1 + i % 8) as Bits,
    granularity: i % 16 < 8 ? "tensor" : "channel",
  }));
  const weights = model.layers.map((layer) => `${layer}.weight`);
  return {
    ...tensors,
    ...Object.fromEntries(
      weights.map((name) => [name, quantizeWeight(tensors[name], host[name], variants)]),
    ),
  };
}

/**
 * Times the evaluation of MNIST's 10,000 test images, for one network and for several at once, and for
 * one network quantized in several ways, the search for ranges and the rounding included.
 *
 * @param device Where to run.
 * @param seconds How long to measure each row at least.
 * @returns One row a population.
 */
export async function benchEvaluation(device: Device, seconds: number): Promise<EvaluationRow[]> {
  const { test } = await loadDataset("mnist");
  const model = fcNN();
  using _scope = device.scope();
  const chunks = chunksOf(device, uploadImages(device, test));
  const repeats = ROWS.map(({ networks, isQuantized }): Repeat => {
    const hosts = Array.from(
      { length: networks },
      (_, seed) => initialParameters(model, isQuantized ? 0 : seed),
    );
    const { tensors } = uploadParameters(device, model, hosts);
    return async (times) => {
      for (let i = 0; i < times; i++) {
        using _repetition = device.scope();
        const used = isQuantized ? quantizedCopies(model, hosts[0], tensors, networks) : tensors;
        await evaluate(model, used, networks, chunks);
      }
    };
  });
  const timings = await timeAlternately(device, seconds, repeats);
  return ROWS.map(({ networks, isQuantized }, i) => ({
    model: model.title,
    images: test.count,
    networks,
    isQuantized,
    timing: {
      median: timings[i].median / networks,
      p10: timings[i].p10 / networks,
      p90: timings[i].p90 / networks,
      repetitions: timings[i].repetitions,
    },
  }));
}
