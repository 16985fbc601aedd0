import assert from "node:assert/strict";
import { gatherPixels } from "../../autograd/mod.ts";
import { type ImageSet, uploadImages } from "../../data/mod.ts";
import { type Device, read, tensor } from "../../gpu/mod.ts";
import { randomInteger, randomSource } from "../../kernels/mod.ts";
import { type Augmentation, augmentImages } from "../../training/mod.ts";
import { testDevice } from "../support/device.ts";

const [CHANNELS, HEIGHT, WIDTH] = [3, 5, 8];
const SHAPE = [CHANNELS, HEIGHT, WIDTH] as const;
const SIZE = CHANNELS * HEIGHT * WIDTH;
const COUNT = 6;
/** Bytes as they are, so that everything is exact. */
const AS_BYTES = { mean: [0, 0, 0], std: [1, 1, 1].map((one) => one / 255) };

const random = randomSource(3);
const SET: ImageSet = {
  // no pixel is 0, so that black and cut pixels can be told from them
  images: Uint8Array.from({ length: COUNT * SIZE }, () => randomInteger(random, 1, 255)),
  labels: new Uint8Array(COUNT),
  count: COUNT,
  channels: CHANNELS,
  height: HEIGHT,
  width: WIDTH,
};

interface Batch {
  readonly seeds: readonly number[];
  readonly step: number;
  /** Images of each network. */
  readonly images: number;
}

/** Augments image `i mod COUNT` at place i of every network. */
async function augmented(device: Device, augmentation: Augmentation, batch: Batch) {
  using _scope = device.scope();
  const { seeds, step, images } = batch;
  const rows = Uint32Array.from({ length: seeds.length * images }, (_, i) => i % images % COUNT);
  const source = uploadImages(device, SET, AS_BYTES);
  const x = augmentImages(
    { source, rows: tensor(device, rows, [seeds.length, images]) },
    SHAPE,
    augmentation,
    {
      clock: tensor(device, new Uint32Array([step])),
      seeds: tensor(device, Uint32Array.from(seeds)),
    },
  );
  assert.deepEqual(x.shape, [seeds.length, images, SIZE]);
  return await read(x) as Float32Array;
}

/** An image after one crop, flip and cutout. */
function variant(
  image: number,
  [top, left, flipped, cutRow, cutColumn]: readonly number[],
  side: number,
) {
  return Float32Array.from({ length: SIZE }, (_, i) => {
    const [row, column] = [Math.floor(i / WIDTH) % HEIGHT, i % WIDTH];
    const [down, right] = [
      row - cutRow + Math.floor(side / 2),
      column - cutColumn + Math.floor(side / 2),
    ];
    if (down >= 0 && down < side && right >= 0 && right < side) return 0;
    const y = row + top;
    const x = (flipped ? WIDTH - 1 - column : column) + left;
    if (y < 0 || y >= HEIGHT || x < 0 || x >= WIDTH) return 0;
    const plane = Math.floor(i / (HEIGHT * WIDTH));
    return SET.images[image * SIZE + (plane * HEIGHT + y) * WIDTH + x];
  });
}

/** All whole numbers from one to another. */
function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** Every list that takes one number of each list. */
function product(lists: readonly number[][]): number[][] {
  return lists.reduce<number[][]>(
    (all, list) => all.flatMap((one) => list.map((n) => [...one, n])),
    [[]],
  );
}

const IMAGES = 600;
const CASES: Record<string, { augmentation: Augmentation; choices: number[][] }> = {
  "a crop": {
    augmentation: { cropPadding: 2 },
    choices: [range(-2, 2), range(-2, 2), [0], [0], [0]],
  },
  "a flip": {
    augmentation: { horizontalFlip: true },
    choices: [[0], [0], [0, 1], [0], [0]],
  },
  "a cutout of odd side": {
    augmentation: { cutout: 3 },
    choices: [[0], [0], [0], range(0, HEIGHT - 1), range(0, WIDTH - 1)],
  },
  "a cutout of even side": {
    augmentation: { cutout: 4 },
    choices: [[0], [0], [0], range(0, HEIGHT - 1), range(0, WIDTH - 1)],
  },
  "a crop and a flip": {
    augmentation: { cropPadding: 1, horizontalFlip: true },
    choices: [range(-1, 1), range(-1, 1), [0, 1], [0], [0]],
  },
};

for (const [title, { augmentation, choices }] of Object.entries(CASES)) {
  Deno.test(`augmentImages() chooses ${title} of each kind about equally often, bit for bit`, async () => {
    const device = await testDevice();
    const x = await augmented(device, augmentation, { seeds: [5], step: 9, images: IMAGES });
    const kinds = product(choices);
    const counts = new Map<string, number>(kinds.map((kind) => [`${kind}`, 0]));
    const variants = range(0, COUNT - 1).map((image) =>
      new Map(kinds.map((kind) => [`${variant(image, kind, augmentation.cutout ?? 0)}`, `${kind}`]))
    );
    for (let i = 0; i < IMAGES; i++) {
      const found = variants[i % COUNT].get(`${x.subarray(i * SIZE, (i + 1) * SIZE)}`);
      assert.ok(found !== undefined, `image ${i} is none of the ${kinds.length} variants`);
      counts.set(found, counts.get(found)! + 1);
    }
    const wanted = IMAGES / kinds.length;
    for (const [kind, count] of counts) {
      assert.ok(Math.abs(count - wanted) < 4.5 * Math.sqrt(wanted), `${kind}: ${count} times`);
    }
  });
}

const ALL: Augmentation = { cropPadding: 2, horizontalFlip: true, cutout: 3 };

Deno.test("augmentImages() is a pure function of seed, step and place in the batch", async () => {
  const device = await testDevice();
  const batch = { seeds: [5], step: 9, images: 40 };
  const first = await augmented(device, ALL, batch);
  assert.deepEqual(await augmented(device, ALL, batch), first);
  assert.notDeepEqual(await augmented(device, ALL, { ...batch, step: 10 }), first);
  assert.notDeepEqual(await augmented(device, ALL, { ...batch, seeds: [6] }), first);
  const half = await augmented(device, ALL, { ...batch, images: 20 });
  assert.deepEqual(first.subarray(0, half.length), half);
});

Deno.test("augmentImages() of a population of three equals one at a time", async () => {
  const device = await testDevice();
  const seeds = [1, 2, 3];
  const batch = { step: 4, images: 11 };
  const together = await augmented(device, ALL, { ...batch, seeds });
  for (const [p, seed] of seeds.entries()) {
    const alone = await augmented(device, ALL, { ...batch, seeds: [seed] });
    assert.deepEqual(together.subarray(p * alone.length, (p + 1) * alone.length), alone);
  }
});

Deno.test("augmentImages() with nothing to do equals gatherPixels()", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const source = uploadImages(device, SET, AS_BYTES);
  const rows = tensor(device, new Uint32Array([0, 1, 2, 3]), [1, 4]);
  const plain = await augmented(device, {}, { seeds: [1], step: 0, images: 4 });
  assert.deepEqual(plain, await read(gatherPixels({ source, rows })));
});

Deno.test("augmentImages() refuses images whose rows are not whole words", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const source = uploadImages(device, { ...SET, count: 1, channels: 1, height: 6, width: 6 });
  const training = {
    clock: tensor(device, new Uint32Array(1)),
    seeds: tensor(device, new Uint32Array(1)),
  };
  const rows = tensor(device, new Uint32Array(1), [1, 1]);
  assert.throws(() => augmentImages({ source, rows }, [1, 6, 6], ALL, training), {
    name: "RangeError",
    message: "Cannot augment images of 6 x 6: rows must be a multiple of 4 pixels long",
  });
});
