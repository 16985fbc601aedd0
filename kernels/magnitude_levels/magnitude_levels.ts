import {
  defineKernels,
  type KernelCase,
  type Kernels,
  linearGrid,
  type Numbers,
  type ReferenceInputs,
} from "../../gpu/mod.ts";
import { normalsOrNaN, randomInteger, sometimesNaN } from "../random_source.ts";
import source from "./magnitude_levels.wgsl" with { type: "text" };

function levelsCase(channels: number, inner: number, TERNARY: number, LANES = 64): KernelCase {
  return { params: { channels, inner }, constants: { TERNARY, LANES } };
}

function meanAbove(magnitudes: Float64Array, limit: number): number {
  const above = magnitudes.filter((size) => size > limit || !Number.isFinite(size));
  return above.reduce((a, b) => a + b, 0) / Math.max(above.length, 1);
}

function measure({ w }: ReferenceInputs, { channels, inner }: Numbers, { TERNARY }: Numbers) {
  const scaleOut = new Float64Array(channels);
  const thresholdOut = new Float64Array(channels).fill(-1);
  for (let c = 0; c < channels; c++) {
    const magnitudes = w.subarray(c * inner, (c + 1) * inner).map(Math.abs);
    if (TERNARY) thresholdOut[c] = 0.7 * meanAbove(magnitudes, -1);
    scaleOut[c] = meanAbove(magnitudes, thresholdOut[c]);
  }
  return { scaleOut, thresholdOut };
}

/** Binary and ternary weights with the mean magnitude of their channel as scale. */
export const magnitudeLevelsKernels: Kernels<"measure" | "forward" | "backward"> = defineKernels({
  name: "magnitude_levels",
  file: "kernels/magnitude_levels/magnitude_levels.wgsl",
  source,
  params: { channels: "u32", inner: "u32" },
  constants: { TERNARY: 0, LANES: 64, WORKGROUP_SIZE: 64 },
  lengths: ({ channels, inner }) => ({
    w: channels * inner,
    scaleOut: channels,
    thresholdOut: channels,
    scale: channels,
    threshold: channels,
    y: channels * inner,
    dy: channels * inner,
    dw: channels * inner,
  }),
  entries: {
    measure: {
      reads: ["w"],
      writes: ["scaleOut", "thresholdOut"],
      flops: ({ channels, inner }, { TERNARY }) => (3 + 3 * TERNARY) * channels * inner,
      workgroups: ({ channels }) => linearGrid(channels, 1),
      loopIterations: ({ inner }, { LANES, TERNARY }) =>
        (1 + TERNARY) * Math.ceil(inner / (inner % 4 === 0 ? 4 : 1) / LANES) + 16,
    },
    forward: {
      reads: ["w", "scale", "threshold"],
      writes: ["y"],
      flops: ({ channels, inner }) => 3 * channels * inner,
    },
    backward: {
      reads: ["w", "dy"],
      writes: ["dw"],
      flops: ({ channels, inner }) => channels * inner,
    },
  },
  workgroups: ({ channels, inner }, { WORKGROUP_SIZE }) =>
    linearGrid(Math.ceil(channels * inner / 16), WORKGROUP_SIZE),
  // sums: a rounding an addition, and a weight at the threshold may be on either side of it
  tolerance: ({ inner }, entry) =>
    entry === "measure" ? { absolute: 1e-6 + 1e-4 / inner, relative: 1e-5 } : "exact",
  generate: {
    w: normalsOrNaN,
    scale: (random, _p, length) =>
      sometimesNaN(random, Array.from({ length }, () => 0.1 + random())),
    threshold: (random, _p, length) => Array.from({ length }, (_, i) => i % 3 ? random() : -1),
  },
  reference(inputs, params, constants, entry) {
    if (entry === "measure") return measure(inputs, params, constants);
    const { w, dy, scale, threshold } = inputs;
    if (entry === "backward") return { dw: dy.map((slope, i) => Math.abs(w[i]) <= 1 ? slope : 0) };
    return {
      y: w.map((value, i) => {
        const c = Math.floor(i / params.inner);
        if (!Number.isFinite(value)) return value;
        if (!Number.isFinite(scale[c])) return scale[c];
        return Math.abs(value) > threshold[c] ? (value >= 0 ? scale[c] : -scale[c]) : 0;
      }),
    };
  },
  cases: [0, 1].flatMap((ternary) => [
    levelsCase(1, 1, ternary),
    levelsCase(64, 784, ternary),
    levelsCase(5, 37, ternary, 8),
    levelsCase(1, 20_000, ternary, 8),
  ]),
  randomCase: (random) =>
    levelsCase(
      randomInteger(random, 1, 20),
      randomInteger(random, 1, 300),
      randomInteger(random, 0, 1),
    ),
  benchCases: [levelsCase(64, 2 ** 16, 1)],
});
