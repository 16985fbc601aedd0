import { defineKernels, type Kernels } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import source from "./training_clock.wgsl" with { type: "text" };

/** Ends a training step on the GPU: logs the mean losses and counts the step. */
export const trainingClockKernels: Kernels<"advance"> = defineKernels({
  name: "training_clock",
  file: "kernels/training_clock/training_clock.wgsl",
  source,
  params: { networks: "u32", batch: "u32", capacity: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ networks, batch, capacity }) => ({
    losses: networks * batch,
    clock: 1,
    lossLog: capacity * networks,
  }),
  entries: {
    advance: {
      reads: ["losses"],
      writes: [],
      updates: ["clock", "lossLog"],
      flops: ({ networks, batch }) => networks * batch,
      touched: ({ networks, batch }) => networks * (batch + 1) + 2,
      loopIterations: ({ networks, batch }, { WORKGROUP_SIZE }) =>
        networks * (1 + Math.ceil(batch / WORKGROUP_SIZE) + WORKGROUP_SIZE),
    },
  },
  workgroups: () => [1, 1, 1],
  tolerance: { absolute: 1e-6, relative: 1e-5 },
  generate: { clock: (random) => [randomInteger(random, 0, 40)] },
  reference({ losses, clock, lossLog }, { networks, batch, capacity }) {
    const log = lossLog.slice();
    for (let p = 0; p < networks; p++) {
      const mean = losses.subarray(p * batch, (p + 1) * batch).reduce((a, b) => a + b, 0) / batch;
      log[(clock[0] % capacity) * networks + p] = mean;
    }
    return { clock: [clock[0] + 1], lossLog: log };
  },
  cases: [
    { params: { networks: 1, batch: 1, capacity: 1 } },
    { params: { networks: 1, batch: 64, capacity: 16 } },
    { params: { networks: 5, batch: 1000, capacity: 7 } },
  ],
  randomCase: (random) => ({
    params: {
      networks: randomInteger(random, 1, 9),
      batch: randomInteger(random, 1, 300),
      capacity: randomInteger(random, 1, 9),
    },
  }),
});
