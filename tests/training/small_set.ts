import type { ImageSet } from "../../data/mod.ts";
import { randomInteger, randomSource } from "../../kernels/mod.ts";
import { fcNN, type Model } from "../../models/mod.ts";
import { adam, type TrainingPlan } from "../../training/mod.ts";

const CLASSES = 4;
const SIDE = 4;

/**
 * Draws images that a small network can learn: noise with one bright row, which is the class.
 *
 * @param count How many.
 * @param seed Same seed, same images.
 * @returns Images of 4 x 4 in 4 classes.
 */
export function smallSet(count: number, seed: number = 1): ImageSet {
  const random = randomSource(seed);
  const labels = Uint8Array.from({ length: count }, () => randomInteger(random, 0, CLASSES - 1));
  const images = Uint8Array.from({ length: count * SIDE * SIDE }, (_, i) => {
    const row = Math.floor(i / SIDE) % SIDE;
    const isBright = row === labels[Math.floor(i / (SIDE * SIDE))];
    return randomInteger(random, 0, 120) + (isBright ? 100 : 0);
  });
  return { images, labels, count, channels: 1, height: SIDE, width: SIDE };
}

/** A network for these images. */
export const smallModel: Model = fcNN({
  inputShape: [1, SIDE, SIDE],
  hidden: [8],
  classes: CLASSES,
});

/** What tests train on. */
export const SET: ImageSet = smallSet(100);

/** A training of 30 steps that learns most of it. */
export const PLAN: TrainingPlan = {
  optimizer: adam({ learningRate: 0.02 }),
  schedule: { kind: "one_cycle", warmup: 0.3 },
  epochs: 5,
  batchSize: 16,
};
