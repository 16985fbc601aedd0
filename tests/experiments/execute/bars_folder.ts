import { encodeIdx } from "../../../formats/mod.ts";
import { randomInteger, randomSource } from "../../../kernels/mod.ts";

const CLASSES = 10;

/** What a folder of bars holds. */
export interface BarImages {
  /** How many to learn from. */
  readonly train: number;
  /** How many to be tested by. */
  readonly test: number;
  /** Rows and columns of an image: 28, as MNIST has, or 14, where methods on the host would wait. */
  readonly side?: 28 | 14;
}

/** Noise with one bright bar, a 14th of the rows high, whose place is the class: an epoch teaches it. */
function drawBars(
  count: number,
  side: number,
  seed: number,
): { images: Uint8Array; labels: Uint8Array } {
  const random = randomSource(seed);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % CLASSES);
  const images = Uint8Array.from({ length: count * side * side }, (_, i) => {
    const row = Math.floor(i / side) % side;
    const bar = Math.floor(14 * row / side) - 2;
    const isBright = bar === labels[Math.floor(i / (side * side))];
    return randomInteger(random, 0, 90) + (isBright ? 110 : 0);
  });
  return { images, labels };
}

/**
 * Writes a data set of 10 kinds of bars in MNIST's layout.
 *
 * @param folder Where; it exists.
 * @param what Images; few enough for a processor to learn in a moment.
 */
export async function writeBars(
  folder: string,
  { train, test, side = 28 }: BarImages = { train: 640, test: 320 },
): Promise<void> {
  for (const [seed, [part, count]] of ([["train", train], ["t10k", test]] as const).entries()) {
    const { images, labels } = drawBars(count, side, seed + 1);
    const pixels = encodeIdx({ shape: [count, side, side], data: images });
    await Deno.writeFile(`${folder}/${part}-images-idx3-ubyte`, pixels);
    const classes = encodeIdx({ shape: [count], data: labels });
    await Deno.writeFile(`${folder}/${part}-labels-idx1-ubyte`, classes);
  }
}
