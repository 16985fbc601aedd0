import { defineKernels, type Kernels, linearGrid, type Numbers } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import source from "./distillation.wgsl" with { type: "text" };

function lossParams(
  [rows, classes, labelRows]: readonly [number, number, number],
  weight: number,
  temperature: number,
): Numbers {
  return { rows, classes, labelRows, scale: 1 / labelRows, weight, temperature };
}

/** Logarithms of the softmax of a row over a temperature. */
function logSoftmax(row: Float64Array, temperature: number): Float64Array {
  const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const sum = row.reduce((total, value) => total + Math.exp((value - largest) / temperature), 0);
  return row.map((value) => (value - largest) / temperature - Math.log(sum));
}

/** Cross-entropy with labels and divergence from a teacher, with the gradient of their mean. */
export const distillationKernels: Kernels<"forward"> = defineKernels({
  name: "distillation",
  file: "kernels/distillation/distillation.wgsl",
  source,
  params: {
    rows: "u32",
    classes: "u32",
    labelRows: "u32",
    scale: "f32",
    weight: "f32",
    temperature: "f32",
  },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ rows, classes, labelRows }) => ({
    logits: rows * classes,
    teacher: rows * classes,
    labels: labelRows,
    losses: rows,
    dLogits: rows * classes,
  }),
  entries: {
    forward: {
      reads: ["logits", "teacher", "labels"],
      writes: ["losses", "dLogits"],
      flops: ({ rows, classes }) => 50 * rows * classes,
      loopIterations: ({ classes }) => 3 * classes,
    },
  },
  workgroups: ({ rows }, { WORKGROUP_SIZE }) => linearGrid(rows, WORKGROUP_SIZE),
  // exp and log of float32, and a divergence that is a difference of logarithms, times T^2
  tolerance: ({ temperature }) => ({ absolute: 4e-6 * temperature ** 2, relative: 4e-5 }),
  generate: {
    logits: (random, _params, length) => Array.from({ length }, () => 12 * (random() - 0.5)),
    teacher: (random, _params, length) => Array.from({ length }, () => 12 * (random() - 0.5)),
    labels: (random, { classes }, length) =>
      Array.from({ length }, () => randomInteger(random, 0, classes - 1)),
  },
  reference({ logits, teacher, labels }, { rows, classes, labelRows, scale, ...p }) {
    const [weight, temperature] = [Math.fround(p.weight), Math.fround(p.temperature)];
    const losses = new Float64Array(rows);
    const dLogits = new Float64Array(rows * classes);
    for (let r = 0; r < rows; r++) {
      const rowOf = (of: Float64Array) => of.subarray(r * classes, (r + 1) * classes);
      const own = logSoftmax(rowOf(logits), 1);
      const student = logSoftmax(rowOf(logits), temperature);
      const wanted = logSoftmax(rowOf(teacher), temperature);
      const label = labels[r % labelRows];
      const divergence = wanted.reduce((sum, q, j) => sum + Math.exp(q) * (q - student[j]), 0);
      losses[r] = -(1 - weight) * own[label] + weight * temperature ** 2 * divergence;
      own.forEach((log, j) => {
        const hard = Math.exp(log) - (j === label ? 1 : 0);
        const soft = Math.exp(student[j]) - Math.exp(wanted[j]);
        dLogits[r * classes + j] = scale * ((1 - weight) * hard + weight * temperature * soft);
      });
    }
    return { losses, dLogits };
  },
  gradients: [{ output: "losses", input: "logits", seed: "scale", gradient: "dLogits" }],
  cases: [
    { params: lossParams([1, 1, 1], 0.5, 1) },
    { params: lossParams([64, 10, 64], 0.5, 1) },
    { params: lossParams([300, 10, 100], 1, 4) },
    { params: lossParams([3, 1001, 3], 0.3, 2) },
    { params: lossParams([64, 10, 32], 0, 3) },
  ],
  randomCase: (random) => {
    const labelRows = randomInteger(random, 1, 80);
    const rows = randomInteger(random, 1, 4) * labelRows;
    return {
      params: lossParams(
        [rows, randomInteger(random, 1, 40), labelRows],
        random(),
        1 + 4 * random(),
      ),
    };
  },
  benchCases: [{ params: lossParams([65_536, 10, 65_536], 0.5, 2) }],
});
