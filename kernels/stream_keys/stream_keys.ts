import { defineKernels, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { randomInteger, randomWords, streamKey } from "../random_source.ts";
import source from "./stream_keys.wgsl" with { type: "text" };

/** The keys of every network's random numbers in one step of training. */
export const streamKeysKernels: Kernels<"makeKeys"> = defineKernels({
  name: "stream_keys",
  file: "kernels/stream_keys/stream_keys.wgsl",
  source,
  params: { networks: "u32", stream: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ networks }) => ({ seeds: networks, clock: 1, keys: networks }),
  entries: {
    makeKeys: {
      reads: ["seeds", "clock"],
      writes: ["keys"],
      flops: ({ networks }) => 28 * networks,
    },
  },
  workgroups: ({ networks }, { WORKGROUP_SIZE }) =>
    linearGrid(Math.ceil(networks / 4), WORKGROUP_SIZE),
  tolerance: "exact",
  generate: {
    seeds: randomWords,
    clock: (random) => [randomInteger(random, 0, 100_000)],
  },
  reference: ({ seeds, clock }, { stream }) => ({
    keys: seeds.map((seed) => streamKey(streamKey(seed, stream), clock[0])),
  }),
  cases: [
    { params: { networks: 1, stream: 0 } },
    { params: { networks: 7, stream: 2 ** 32 - 1 } },
    { params: { networks: 1000, stream: 3 } },
  ],
  randomCase: (random) => ({
    params: { networks: randomInteger(random, 1, 300), stream: randomInteger(random, 0, 99) },
  }),
});
