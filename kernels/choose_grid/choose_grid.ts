import { defineKernels, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import { roundHalfEven } from "../rounding.ts";
import source from "./choose_grid.wgsl" with { type: "text" };

const { fround } = Math;
const FINEST = 2 ** -120;
const WIDEST = 2 ** 120;

/** Ranges of every magnitude that is not subnormal, some of nothing but 0. */
function magnitude(random: () => number): number {
  if (random() < 0.1) return 0;
  return random() * 2 ** randomInteger(random, -110, 118);
}

/** Chooses the asymmetric grid of ranges that were found on the GPU, without the host. */
export const chooseGridKernels: Kernels<"choose"> = defineKernels({
  name: "choose_grid",
  file: "kernels/choose_grid/choose_grid.wgsl",
  source,
  params: { channels: "u32", ranges: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ channels, ranges }) => ({
    low: ranges,
    high: ranges,
    qMax: channels,
    scale: channels,
    inverseScale: channels,
    zeroPoint: channels,
  }),
  entries: {
    choose: {
      reads: ["low", "high", "qMax"],
      writes: ["scale", "inverseScale", "zeroPoint"],
      flops: ({ channels }) => 250 * channels, // two divisions of 24 steps
    },
  },
  workgroups: ({ channels }, { WORKGROUP_SIZE }) => linearGrid(channels, WORKGROUP_SIZE),
  tolerance: "exact",
  generate: {
    low: (random, _p, length) => Array.from({ length }, () => (0.2 - random()) * magnitude(random)),
    high: (random, _p, length) =>
      Array.from({ length }, () => (random() - 0.2) * magnitude(random)),
    qMax: (random, _p, length) =>
      Array.from({ length }, () => 2 ** randomInteger(random, 1, 16) - 1),
  },
  reference({ low, high, qMax }, { channels, ranges }) {
    const grids = Array.from({ length: channels }, (_, c) => {
      const lo = fround(Math.min(low[c % ranges], 0));
      const width = fround(fround(Math.max(high[c % ranges], 0)) - lo);
      if (!(width <= WIDEST)) return { step: NaN, reciprocal: NaN, zero: NaN };
      const step = width === 0 ? 1 : Math.max(fround(width / qMax[c]), FINEST);
      const reciprocal = fround(1 / step);
      const zero = roundHalfEven(fround(-fround(lo * reciprocal)));
      return { step, reciprocal, zero: Math.min(Math.max(zero, 0), qMax[c]) };
    });
    return {
      scale: grids.map(({ step }) => step),
      inverseScale: grids.map(({ reciprocal }) => reciprocal),
      zeroPoint: grids.map(({ zero }) => zero),
    };
  },
  cases: [
    { params: { channels: 1, ranges: 1 } },
    { params: { channels: 16, ranges: 1 } },
    { params: { channels: 2000, ranges: 2000 } },
  ],
  randomCase(random) {
    const channels = randomInteger(random, 1, 300);
    return { params: { channels, ranges: random() < 0.5 ? 1 : channels } };
  },
});
