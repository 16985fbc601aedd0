import { defineKernels, type Kernels, linearGrid, type Numbers } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import { permutationBits, permutedIndex } from "./permutation.ts";
import source from "./sample_batch.wgsl" with { type: "text" };

function sampleParams(networks: number, batch: number, count: number): Numbers {
  const stepsPerEpoch = Math.floor(count / batch);
  return { networks, batch, count, stepsPerEpoch, bits: permutationBits(count) };
}

/** The rows and labels of the current batch, in an order that each epoch permutes anew. */
export const sampleBatchKernels: Kernels<"sample"> = defineKernels({
  name: "sample_batch",
  file: "kernels/sample_batch/sample_batch.wgsl",
  source,
  params: { networks: "u32", batch: "u32", count: "u32", stepsPerEpoch: "u32", bits: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ networks, batch, count }) => ({
    clock: 1,
    seeds: networks,
    labels: count,
    rows: networks * batch,
    batchLabels: networks * batch,
  }),
  entries: {
    sample: {
      reads: ["clock", "seeds", "labels"],
      writes: ["rows", "batchLabels"],
      flops: ({ networks, batch }) => 200 * networks * batch,
      touched: ({ networks, batch }) => 3 * networks * batch,
    },
  },
  workgroups: ({ networks, batch }, { WORKGROUP_SIZE }) =>
    linearGrid(networks * batch, WORKGROUP_SIZE),
  tolerance: "exact",
  generate: {
    clock: (random) => [randomInteger(random, 0, 5000)],
    seeds: (random, { networks }) =>
      Array.from({ length: networks }, () => randomInteger(random, 0, 2 ** 32 - 1)),
    labels: (random, { count }) => Array.from({ length: count }, () => randomInteger(random, 0, 9)),
  },
  reference({ clock, seeds, labels }, { networks, batch, count, stepsPerEpoch }) {
    const epoch = Math.floor(clock[0] / stepsPerEpoch);
    const first = (clock[0] % stepsPerEpoch) * batch;
    const rows = Uint32Array.from(
      { length: networks * batch },
      (_, i) => permutedIndex(first + i % batch, count, seeds[Math.floor(i / batch)], epoch),
    );
    return { rows, batchLabels: rows.map((row) => labels[row]) };
  },
  cases: [
    { params: sampleParams(1, 1, 1) },
    { params: sampleParams(1, 3, 10) },
    { params: sampleParams(5, 64, 60_000) },
    { params: sampleParams(2, 100, 50_000) },
  ],
  randomCase: (random) => {
    const batch = randomInteger(random, 1, 40);
    return { params: sampleParams(randomInteger(random, 1, 4), batch, batch * 7 + 3) };
  },
});
