import { defineKernels, type Kernels, linearGrid, type Numbers } from "../../gpu/mod.ts";
import { pcgHash, randomInteger, randomWords, streamKey } from "../random_source.ts";
import source from "./augment.wgsl" with { type: "text" };

/** Random numbers set aside for an image. */
const CHOICES = 8;

function pixelsOf({ channels, height, width }: Numbers): number {
  return channels * height * width;
}

/** What is chosen at random for one image. */
function placeOf(index: number, key: number, { height, width, padding, flip, cutout }: Numbers) {
  const choose = (k: number, n: number) => {
    const bits = pcgHash((pcgHash(CHOICES * index + k) ^ key) >>> 0);
    return Math.floor((bits >>> 16) * n / 2 ** 16);
  };
  return {
    top: choose(0, 2 * padding + 1) - padding,
    left: choose(1, 2 * padding + 1) - padding,
    isFlipped: flip === 1 && choose(2, 2) === 1,
    cutTop: choose(3, height) - Math.floor(cutout / 2),
    cutLeft: choose(4, width) - Math.floor(cutout / 2),
  };
}

/** One augmented image, pixel by pixel. */
function augmentImage(
  byteAt: (channel: number, row: number, column: number) => number,
  place: ReturnType<typeof placeOf>,
  params: Numbers,
  { scale, shift }: Readonly<Record<"scale" | "shift", Float64Array>>,
): Float64Array {
  const { height, width, cutout } = params;
  const isIn = (at: number, length: number) => at >= 0 && at < length;
  return Float64Array.from({ length: pixelsOf(params) }, (_, i) => {
    const [channel, row, column] = [
      Math.floor(i / (height * width)),
      Math.floor(i / width) % height,
      i % width,
    ];
    if (isIn(row - place.cutTop, cutout) && isIn(column - place.cutLeft, cutout)) return 0;
    const y = row + place.top;
    const x = (place.isFlipped ? width - 1 - column : column) + place.left;
    const byte = isIn(y, height) && isIn(x, width) ? byteAt(channel, y, x) : 0;
    return byte * scale[channel] + shift[channel];
  });
}

function shape(networks: number, batch: number, [channels, height, width]: number[]): Numbers {
  return { networks, batch, count: 20, firstCount: 20 - networks, channels, height, width };
}

/**
 * Copies the images of a batch out of a resident data set, cropped, mirrored and cut out at random, as
 * normalized floats.
 *
 * @see Krizhevsky et al. 2012, NIPS 25; DeVries and Taylor 2017, arXiv:1708.04552
 */
export const augmentKernels: Kernels<"augment"> = defineKernels({
  name: "augment",
  file: "kernels/augment/augment.wgsl",
  source,
  params: {
    networks: "u32",
    batch: "u32",
    count: "u32",
    firstCount: "u32",
    channels: "u32",
    height: "u32",
    width: "u32",
    padding: "u32",
    flip: "u32",
    cutout: "u32",
    stream: "u32",
  },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: (p) => ({
    pixels: p.firstCount * pixelsOf(p) / 4,
    rest: (p.count - p.firstCount || p.firstCount) * pixelsOf(p) / 4,
    rows: p.networks * p.batch,
    scale: p.channels,
    shift: p.channels,
    seeds: p.networks,
    clock: 1,
    x: p.networks * p.batch * pixelsOf(p),
  }),
  entries: {
    augment: {
      reads: ["pixels", "rest", "rows", "scale", "shift", "seeds", "clock"],
      writes: ["x"],
      flops: (p) => 20 * p.networks * p.batch * pixelsOf(p),
      touched: (p) => 1.5 * p.networks * p.batch * pixelsOf(p),
      loopIterations: ({ channels }) => 4 * (1 + channels),
    },
  },
  workgroups: ({ networks, batch, height, width }, { WORKGROUP_SIZE }) =>
    linearGrid(networks * batch * Math.ceil(height * width / 16), WORKGROUP_SIZE),
  tolerance: { absolute: 1e-6, relative: 1e-6 }, // a GPU may fuse the multiply and the add
  generate: {
    pixels: randomWords,
    rest: randomWords,
    rows: (random, { count }, length) =>
      Array.from({ length }, () => randomInteger(random, 0, count - 1)),
    scale: (_random, { channels }) => Array.from({ length: channels }, (_, i) => (i + 1) / 255),
    seeds: randomWords,
    clock: (random) => [randomInteger(random, 0, 100_000)],
  },
  reference({ pixels, rest, rows, scale, shift, seeds, clock }, params) {
    const { batch, stream, height, width } = params;
    const size = pixelsOf(params);
    const x = new Float64Array(rows.length * size);
    const keys = Array.from(seeds, (seed) => streamKey(streamKey(seed, stream), clock[0]));
    rows.forEach((row, i) => {
      const byteAt = (channel: number, y: number, x: number) => {
        const at = row * size + (channel * height + y) * width + x;
        const word = at >> 2;
        const bits = word < pixels.length ? pixels[word] : rest[word - pixels.length];
        return (bits >>> (8 * (at & 3))) & 255;
      };
      const place = placeOf(i % batch, keys[Math.floor(i / batch)], params);
      x.set(augmentImage(byteAt, place, params, { scale, shift }), i * size);
    });
    return { x };
  },
  cases: [
    {
      params: { ...shape(1, 64, [1, 28, 28]), padding: 0, flip: 0, cutout: 0, stream: 0 },
    },
    {
      params: { ...shape(1, 64, [1, 28, 28]), padding: 2, flip: 0, cutout: 0, stream: 1 },
    },
    {
      params: { ...shape(3, 10, [3, 32, 32]), padding: 4, flip: 1, cutout: 16, stream: 2 },
    },
    {
      params: { ...shape(2, 9, [2, 5, 4]), padding: 9, flip: 1, cutout: 3, stream: 2 ** 32 - 1 },
    },
  ],
  randomCase: (random) => {
    const size = [1, 1, 4].map((unit) => unit * randomInteger(random, 1, 6));
    return {
      params: {
        ...shape(randomInteger(random, 1, 3), randomInteger(random, 1, 20), size),
        padding: randomInteger(random, 0, 5),
        flip: randomInteger(random, 0, 1),
        cutout: randomInteger(random, 0, 8),
        stream: randomInteger(random, 0, 9),
      },
    };
  },
  benchCases: [{
    params: {
      ...shape(1, 1024, [3, 32, 32]),
      count: 40_000,
      firstCount: 40_000,
      padding: 4,
      flip: 1,
      cutout: 8,
      stream: 0,
    },
  }],
});
