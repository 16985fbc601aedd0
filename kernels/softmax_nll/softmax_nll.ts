import { defineKernels, type Kernels, linearGrid, type Numbers } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import source from "./softmax_nll.wgsl" with { type: "text" };

function lossParams(rows: number, classes: number, labelRows: number, smoothing = 0): Numbers {
  return { rows, classes, labelRows, scale: 1 / labelRows, smoothing };
}

/** Log-softmax, negative log-likelihood and the gradient of its mean, in one dispatch. */
export const softmaxNllKernels: Kernels<"forward"> = defineKernels({
  name: "softmax_nll",
  file: "kernels/softmax_nll/softmax_nll.wgsl",
  source,
  params: { rows: "u32", classes: "u32", labelRows: "u32", scale: "f32", smoothing: "f32" },
  constants: { WORKGROUP_SIZE: 64, SMOOTHED: 0 },
  lengths: ({ rows, classes, labelRows }) => ({
    logits: rows * classes,
    labels: labelRows,
    losses: rows,
    dLogits: rows * classes,
  }),
  entries: {
    forward: {
      reads: ["logits", "labels"],
      writes: ["losses", "dLogits"],
      flops: ({ rows, classes }) => 20 * rows * classes,
      loopIterations: ({ classes }) => 3 * classes,
    },
  },
  workgroups: ({ rows }, { WORKGROUP_SIZE }) => linearGrid(rows, WORKGROUP_SIZE),
  tolerance: { absolute: 2e-6, relative: 2e-5 },
  generate: {
    logits: (random, _params, length) => Array.from({ length }, () => 30 * (random() - 0.5)),
    labels: (random, { classes }, length) =>
      Array.from({ length }, () => randomInteger(random, 0, classes - 1)),
  },
  reference({ logits, labels }, { rows, classes, labelRows, scale, ...p }, { SMOOTHED }) {
    const smoothing = SMOOTHED ? Math.fround(p.smoothing) : 0;
    const targetOf = (hit: boolean) => (hit ? 1 - smoothing : 0) + smoothing / classes;
    const losses = new Float64Array(rows);
    const dLogits = new Float64Array(rows * classes);
    for (let r = 0; r < rows; r++) {
      const row = logits.subarray(r * classes, (r + 1) * classes);
      const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const sum = row.reduce((total, logit) => total + Math.exp(logit - largest), 0);
      const label = labels[r % labelRows];
      losses[r] = row.reduce(
        (loss, logit, j) => loss - targetOf(j === label) * (logit - largest),
        Math.log(sum),
      );
      row.forEach((logit, j) => {
        const probability = Math.exp(logit - largest) / sum;
        dLogits[r * classes + j] = scale * (probability - targetOf(j === label));
      });
    }
    return { losses, dLogits };
  },
  gradients: [{ output: "losses", input: "logits", seed: "scale", gradient: "dLogits" }],
  cases: [
    { params: lossParams(1, 1, 1) },
    { params: lossParams(64, 10, 64) },
    { params: lossParams(300, 10, 100) },
    { params: lossParams(3, 1001, 3) },
    { params: lossParams(300, 10, 100, 0.1), constants: { SMOOTHED: 1 } },
    { params: lossParams(3, 1001, 3, 0.4), constants: { SMOOTHED: 1 } },
  ],
  randomCase: (random) => {
    const labelRows = randomInteger(random, 1, 80);
    const networks = randomInteger(random, 1, 4);
    const rows = networks * labelRows;
    return {
      params: lossParams(rows, randomInteger(random, 1, 40), labelRows, random()),
      constants: { SMOOTHED: randomInteger(random, 0, 1) },
    };
  },
  benchCases: [{ params: lossParams(65_536, 10, 65_536) }],
});
