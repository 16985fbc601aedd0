import { type Chunk, splitChunk } from "../data/mod.ts";
import { readAll, reshape, run, zeros } from "../gpu/mod.ts";
import { accuracyKernels } from "../kernels/mod.ts";
import { type ForwardHooks, type Model, type ParameterTensors, rowsAtOnce } from "../models/mod.ts";

/** How well one network does on a set. */
export interface Evaluation {
  /** Share of the examples it gets right, 0 to 1. */
  readonly accuracy: number;
  /** Mean negative log-likelihood, in nats. */
  readonly loss: number;
  /** Examples it gets right. */
  readonly correct: number;
  /** Examples in all. */
  readonly count: number;
  /** How often it predicts each class. */
  readonly predictions: readonly number[];
  /** How many classes it ever predicts; 2 or fewer means that it has collapsed. */
  readonly predictedClasses: number;
}

/**
 * Evaluates every network of a population in the same dispatches; one wait in all.
 *
 * @param model The model.
 * @param parameters Weights of all networks.
 * @param networks How many networks.
 * @param chunks The set.
 * @param hooks What to do to the inputs of layers, such as quantizing them.
 * @returns One evaluation a network.
 */
export async function evaluate(
  model: Model,
  parameters: ParameterTensors,
  networks: number,
  chunks: readonly Chunk[],
  hooks: ForwardHooks = {},
): Promise<Evaluation[]> {
  const { device } = chunks[0].rows;
  using _scope = device.scope();
  const counts = zeros(device, [networks, 1 + model.classes], "u32");
  const lossSums = zeros(device, [networks]);
  const atOnce = rowsAtOnce(model, networks);
  const parts = chunks.flatMap((chunk) => splitChunk(chunk, atOnce));
  for (const { source, rows, labels, count } of parts) {
    using _chunkScope = device.scope();
    const logits = model.forward(parameters, { source, rows }, hooks);
    const all = networks * count;
    const params = { rows: all, classes: model.classes, labelRows: count };
    const flat = reshape(logits, [all, model.classes]);
    const { predictionsOut: predictions, lossesOut: losses } = run(accuracyKernels.predict, {
      logits: flat,
      labels,
    }, {
      ...params,
      networks,
    });
    run(accuracyKernels.count, { predictions, labels, losses, counts, lossSums }, {
      ...params,
      networks,
    });
  }
  const [countsRead, lossesRead] = await readAll([counts, lossSums]);
  const count = chunks.reduce((sum, chunk) => sum + chunk.count, 0);
  return Array.from({ length: networks }, (_, p) => {
    const row = p * (1 + model.classes);
    const correct = countsRead[row];
    const predictions = Array.from(countsRead.subarray(row + 1, row + 1 + model.classes));
    return {
      accuracy: correct / count,
      loss: lossesRead[p] / count,
      correct,
      count,
      predictions,
      predictedClasses: predictions.filter((times) => times > 0).length,
    };
  });
}
