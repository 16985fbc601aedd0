import { encodeIdx } from "../../../formats/mod.ts";
import { randomInteger, randomSource } from "../../../kernels/mod.ts";

const SIDE = 28;
const CLASSES = 10;

/** Counts of images in a folder of bars. */
export interface BarCounts {
  readonly train: number;
  readonly test: number;
}

/** Noise with one bright bar, two rows high, whose place is the class: an epoch teaches it. */
function drawBars(count: number, seed: number): { images: Uint8Array; labels: Uint8Array } {
  const random = randomSource(seed);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % CLASSES);
  const images = Uint8Array.from({ length: count * SIDE * SIDE }, (_, i) => {
    const row = Math.floor(i / SIDE) % SIDE;
    const bar = Math.floor(row / 2) - 2;
    const isBright = bar === labels[Math.floor(i / (SIDE * SIDE))];
    return randomInteger(random, 0, 90) + (isBright ? 110 : 0);
  });
  return { images, labels };
}

/**
 * Writes a data set of 10 kinds of bars, 28 x 28 pixels, in MNIST's layout.
 *
 * @param folder Where; it exists.
 * @param counts Images for training and testing; few enough for a processor to learn in a moment.
 */
export async function writeBars(
  folder: string,
  counts: BarCounts = { train: 640, test: 320 },
): Promise<void> {
  for (const [seed, [part, count]] of [["train", counts.train], ["t10k", counts.test]].entries()) {
    const { images, labels } = drawBars(Number(count), seed + 1);
    const pixels = encodeIdx({ shape: [Number(count), SIDE, SIDE], data: images });
    await Deno.writeFile(`${folder}/${part}-images-idx3-ubyte`, pixels);
    const classes = encodeIdx({ shape: [Number(count)], data: labels });
    await Deno.writeFile(`${folder}/${part}-labels-idx1-ubyte`, classes);
  }
}
