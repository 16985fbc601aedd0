import { defineKernels, type KernelCase, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import source from "./threshold.wgsl" with { type: "text" };

const { fround } = Math;

function thresholdCase(channels: number, shared: boolean, inner: number, first = 0): KernelCase {
  return { params: { channels, sources: shared ? 1 : channels, inner, first } };
}

/**
 * Sets small coefficients to zero, hard or soft, with one threshold a channel.
 *
 * Soft thresholding shrinks by the threshold and so needs no rule for ties: equals become 0.
 */
export const thresholdKernels: Kernels<"hard" | "soft"> = defineKernels({
  name: "threshold",
  file: "kernels/threshold/threshold.wgsl",
  source,
  params: { channels: "u32", sources: "u32", inner: "u32", first: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ channels, sources, inner }) => ({
    x: sources * inner,
    magnitude: channels,
    tiesBelow: channels,
    y: channels * inner,
  }),
  entries: {
    hard: {
      reads: ["x", "magnitude", "tiesBelow"],
      writes: ["y"],
      flops: ({ channels, inner }) => 4 * channels * inner,
    },
    soft: {
      reads: ["x", "magnitude", "tiesBelow"],
      writes: ["y"],
      flops: ({ channels, inner }) => 4 * channels * inner,
    },
  },
  workgroups: ({ channels, inner }, { WORKGROUP_SIZE }) =>
    linearGrid(Math.ceil(channels * inner / 4), WORKGROUP_SIZE),
  tolerance: "exact",
  generate: {
    // Few different values, so that many are equal to a threshold.
    x: (random, _params, length) => Array.from({ length }, () => randomInteger(random, -6, 6) / 3),
    magnitude: (random, _params, length) =>
      Array.from({ length }, () => randomInteger(random, 0, 6) / 3),
    tiesBelow: (random, { first, inner }, length) =>
      Array.from({ length }, () => randomInteger(random, 0, first + inner)),
  },
  reference({ x, magnitude, tiesBelow }, { channels, sources, inner, first }, _constants, entry) {
    const y = new Float64Array(channels * inner);
    for (let channel = 0; channel < channels; channel++) {
      const readAt = sources === 1 ? 0 : channel * inner;
      for (let i = 0; i < inner; i++) {
        const value = x[readAt + i];
        const beyond = Math.abs(value) - magnitude[channel];
        const kept = beyond > 0 || (beyond === 0 && first + i < tiesBelow[channel]);
        const hard = kept ? value : 0;
        const soft = Math.sign(value) * Math.max(fround(beyond), 0);
        y[channel * inner + i] = entry === "hard" ? hard : soft;
      }
    }
    return { y };
  },
  cases: [
    thresholdCase(1, false, 1),
    thresholdCase(11, true, 12_544),
    thresholdCase(8, false, 784, 3136),
    thresholdCase(5, true, 49, 7),
    thresholdCase(3, false, 7),
  ],
  randomCase: (random) =>
    thresholdCase(
      randomInteger(random, 1, 9),
      random() < 0.5,
      randomInteger(random, 1, 60),
      randomInteger(random, 0, 99),
    ),
  benchCases: [thresholdCase(1, false, 2 ** 22), thresholdCase(16, true, 50_176)],
});
