import { defineKernels, type Kernels, linearGrid, type Numbers } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import source from "./accuracy.wgsl" with { type: "text" };

/** As many as the shader's histogram of one network holds in workgroup memory. */
const MOST_CLASSES = 1024;

function accuracyParams(networks: number, rowsEach: number, classes: number): Numbers {
  return { rows: networks * rowsEach, classes, labelRows: rowsEach, networks };
}

function predict(
  logits: Float64Array,
  labels: Float64Array,
  { rows, classes, labelRows }: Numbers,
) {
  const predictionsOut = new Uint32Array(rows);
  const lossesOut = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    const row = logits.subarray(r * classes, (r + 1) * classes);
    const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const sum = row.reduce((total, logit) => total + Math.exp(logit - largest), 0);
    predictionsOut[r] = row.some(Number.isNaN) ? 0xffffffff : row.indexOf(largest);
    lossesOut[r] = Math.log(sum) + largest - row[labels[r % labelRows]];
  }
  return { predictionsOut, lossesOut };
}

/** What networks predict, how often they are right, and at what loss. */
export const accuracyKernels: Kernels<"predict" | "count"> = defineKernels({
  name: "accuracy",
  file: "kernels/accuracy/accuracy.wgsl",
  source,
  params: { rows: "u32", classes: "u32", labelRows: "u32", networks: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ rows, classes, labelRows, networks }) => ({
    logits: rows * classes,
    labels: labelRows,
    predictionsOut: rows,
    lossesOut: rows,
    predictions: rows,
    losses: rows,
    counts: networks * (1 + classes),
    lossSums: networks,
  }),
  entries: {
    predict: {
      reads: ["logits", "labels"],
      writes: ["predictionsOut", "lossesOut"],
      flops: ({ rows, classes }) => 12 * rows * classes,
      loopIterations: ({ classes }) => 2 * classes,
    },
    count: {
      reads: ["labels", "predictions", "losses"],
      writes: [],
      updates: ["counts", "lossSums"],
      flops: ({ rows }) => 2 * rows,
      workgroups: ({ networks, classes }) => {
        if (classes > MOST_CLASSES) {
          throw new RangeError(
            `Cannot count predictions: a network must have at most ${MOST_CLASSES} classes: ${classes}`,
          );
        }
        return [networks, 1, 1];
      },
      loopIterations: ({ rows, networks, classes }, { WORKGROUP_SIZE }) =>
        Math.ceil(rows / networks / WORKGROUP_SIZE) + WORKGROUP_SIZE +
        Math.ceil(classes / WORKGROUP_SIZE),
    },
  },
  workgroups: ({ rows }, { WORKGROUP_SIZE }) => linearGrid(rows, WORKGROUP_SIZE),
  tolerance: { absolute: 5e-6, relative: 1e-5 },
  generate: {
    labels: (random, { classes }, length) =>
      Array.from({ length }, () => randomInteger(random, 0, classes - 1)),
    predictions: (random, { classes }, length) =>
      Array.from({ length }, () => randomInteger(random, 0, classes - 1)),
    counts: (random, _params, length) => Array.from({ length }, () => randomInteger(random, 0, 9)),
    losses: (random, _params, length) => Array.from({ length }, () => 3 * random()),
  },
  reference({ logits, labels, predictions, losses, counts, lossSums }, params, _constants, entry) {
    if (entry === "predict") return { ...predict(logits, labels, params) };
    const { rows, classes, labelRows, networks } = params;
    const tally = counts.slice();
    const sums = lossSums.slice();
    for (let r = 0; r < rows; r++) {
      const network = Math.floor(r / (rows / networks));
      const start = network * (1 + classes);
      if (predictions[r] === labels[r % labelRows]) tally[start]++;
      tally[start + 1 + predictions[r]]++;
      sums[network] += losses[r];
    }
    return { counts: tally, lossSums: sums };
  },
  cases: [
    { params: accuracyParams(1, 1, 1) },
    { params: accuracyParams(1, 1000, 10) },
    { params: accuracyParams(3, 65, 10) },
    { params: accuracyParams(2, 7, 1000) },
  ],
  randomCase: (random) => ({
    params: accuracyParams(
      randomInteger(random, 1, 5),
      randomInteger(random, 1, 200),
      randomInteger(random, 2, 70),
    ),
  }),
  benchCases: [{ params: accuracyParams(8, 8192, 10) }],
});
