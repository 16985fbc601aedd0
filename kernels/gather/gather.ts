import { defineKernels, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { randomInteger, randomWords } from "../random_source.ts";
import source from "./gather.wgsl" with { type: "text" };

/** Copies the images of a batch out of a resident data set, as normalized floats. */
export const gatherKernels: Kernels<"gather"> = defineKernels({
  name: "gather",
  file: "kernels/gather/gather.wgsl",
  source,
  params: { batch: "u32", count: "u32", firstCount: "u32", channels: "u32", planeWords: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ batch, count, firstCount, channels, planeWords }) => ({
    pixels: firstCount * channels * planeWords,
    rest: (count - firstCount || firstCount) * channels * planeWords,
    rows: batch,
    scale: channels,
    shift: channels,
    x: batch * channels * planeWords * 4,
  }),
  entries: {
    gather: {
      reads: ["pixels", "rest", "rows", "scale", "shift"],
      writes: ["x"],
      flops: ({ batch, channels, planeWords }) => 8 * batch * channels * planeWords,
      touched: ({ batch, channels, planeWords }) => 5 * batch * channels * planeWords,
    },
  },
  workgroups: ({ batch, channels, planeWords }, { WORKGROUP_SIZE }) =>
    linearGrid(batch * Math.ceil(channels * planeWords / 4), WORKGROUP_SIZE),
  tolerance: { absolute: 1e-6, relative: 1e-6 }, // a GPU may fuse the multiply and the add
  generate: {
    pixels: randomWords,
    rest: randomWords,
    rows: (random, { batch, count }) =>
      Array.from({ length: batch }, () => randomInteger(random, 0, count - 1)),
    scale: (_random, { channels }) => Array.from({ length: channels }, (_, i) => (i + 1) / 255),
  },
  reference({ pixels, rest, rows, scale, shift }, { channels, planeWords }) {
    const words = channels * planeWords;
    const x = new Float64Array(rows.length * words * 4);
    rows.forEach((row, r) => {
      for (let j = 0; j < 4 * words; j++) {
        const at = row * words + (j >> 2);
        const word = at < pixels.length ? pixels[at] : rest[at - pixels.length];
        const byte = (word >>> (8 * (j & 3))) & 255;
        const channel = Math.floor(j / (4 * planeWords));
        x[r * words * 4 + j] = byte * scale[channel] + shift[channel];
      }
    });
    return { x };
  },
  cases: [
    { params: { batch: 1, count: 1, firstCount: 1, channels: 1, planeWords: 1 } },
    { params: { batch: 64, count: 100, firstCount: 60, channels: 1, planeWords: 196 } },
    { params: { batch: 7, count: 20, firstCount: 20, channels: 3, planeWords: 5 } },
  ],
  randomCase(random) {
    const count = randomInteger(random, 1, 30);
    return {
      params: {
        batch: randomInteger(random, 1, 30),
        count,
        firstCount: randomInteger(random, 1, count),
        channels: randomInteger(random, 1, 3),
        planeWords: randomInteger(random, 1, 20),
      },
    };
  },
  benchCases: [{
    params: { batch: 1024, count: 60_000, firstCount: 60_000, channels: 1, planeWords: 196 },
  }],
});
