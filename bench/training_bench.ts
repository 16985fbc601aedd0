import { loadDataset, uploadImages } from "../data/mod.ts";
import type { Device, Timing } from "../gpu/mod.ts";
import { cnn, fcNN, type Model } from "../models/mod.ts";
import { adam, createTrainer } from "../training/mod.ts";
import { timeAlternately } from "./alternate.ts";

/** One way to do a training step. */
export interface TrainingRow {
  /** Such as `FC_NN 784-64-32-10`. */
  readonly model: string;
  /** Images of a step. */
  readonly batch: number;
  /** How the step gets to the GPU. */
  readonly mode: string;
  /** Milliseconds a step. */
  readonly timing: Timing;
  /** Dispatches a step. */
  readonly dispatches: number;
}

/** Networks and batches, in order. */
const CASES: readonly (readonly [Model, number])[] = [
  [fcNN(), 64],
  [fcNN(), 256],
  [fcNN(), 1024],
  [cnn(), 64],
];

/** Long enough that no measurement comes to its end. */
const EPOCHS = 100;

/**
 * Times training steps on resident MNIST: run op by op, replayed, and replayed many at once.
 *
 * @param device Where to train.
 * @param seconds How long to measure each row at least.
 * @param onRows Called with the rows of each network and batch once they are done.
 * @returns All rows.
 */
export async function benchTraining(
  device: Device,
  seconds: number,
  onRows: (rows: readonly TrainingRow[]) => void,
): Promise<TrainingRow[]> {
  const { train } = await loadDataset("mnist");
  using _scope = device.scope();
  const images = uploadImages(device, train);
  const all: TrainingRow[] = [];
  for (const [model, batch] of CASES) {
    using _caseScope = device.scope();
    using trainer = createTrainer(device, model, images, {
      optimizer: adam(),
      schedule: { kind: "constant" },
      epochs: EPOCHS,
      batchSize: batch,
    }, { seeds: [1] });
    const { program } = trainer;
    const timings = await timeAlternately(device, seconds, [
      (times) => {
        for (let i = 0; i < times; i++) trainer.stepEagerly();
      },
      (times) => program.run(times, 1),
      (times) => program.run(times, 64),
    ]);
    const dispatches = program.explain().length;
    const modes = ["eager", "recorded, 1 step a submit", "recorded, 64 steps a submit"];
    const rows = modes.map((mode, i): TrainingRow => ({
      model: model.title,
      batch,
      mode,
      timing: timings[i],
      dispatches,
    }));
    onRows(rows);
    all.push(...rows);
  }
  return all;
}
