import {
  defineKernels,
  type KernelCase,
  type Kernels,
  linearGrid,
  type RandomSource,
} from "../../gpu/mod.ts";
import { randomInteger, standardNormal } from "../random_source.ts";
import { roundHalfEven } from "../rounding.ts";
import { multiplyByFixedPoint } from "./fixed_point.ts";
import source from "./integer_rescale.wgsl" with { type: "text" };

/** Entry points: to codes, to other units that are added to, and back. */
export type IntegerRescaleEntry =
  | "quantize"
  | "byFloat"
  | "byFixedPoint"
  | "addByFloat"
  | "addByFixedPoint"
  | "dequantize";

/** Sizes of codes and accumulators `[networks, rows, channels, inner]`. */
export interface IntegerRescaleShape {
  /** Networks side by side, each with a grid of its own; 1 if left out. */
  readonly networks?: number;
  /** Rows of each network. */
  readonly rows: number;
  /** Channels, each with a multiplier of its own; 1 if left out. */
  readonly channels?: number;
  /** Elements of a channel; 1 if left out. */
  readonly inner?: number;
  /** Only `quantize`: all networks read the same `x`. */
  readonly sharedInput?: boolean;
}

/**
 * Gives the params of the integer rescale kernels.
 *
 * @param shape Sizes in elements.
 * @returns What every entry takes.
 */
export function integerRescaleParams(shape: IntegerRescaleShape): Readonly<Record<string, number>> {
  const { networks = 1, rows, channels = 1, inner = 1, sharedInput = false } = shape;
  const one = rows * channels * inner;
  return { networks, xSize: sharedInput ? one : networks * one, rows, channels, inner };
}

const { fround } = Math;

/** Mostly what sums of products are; sometimes the ends of an int32, and what is near 2^24 and ties. */
function accumulators(random: RandomSource, _params: unknown, length: number): number[] {
  const special = [0, 1, -1, 2 ** 24 + 1, 2 ** 24 + 3, -(2 ** 24) - 1, 2 ** 31 - 1, -(2 ** 31)];
  return Array.from({ length }, () => {
    const kind = random();
    if (kind < 0.1) return special[randomInteger(random, 0, special.length - 1)];
    if (kind < 0.4) return randomInteger(random, -(2 ** 31), 2 ** 31 - 1);
    return randomInteger(random, -40_000, 40_000);
  });
}

function rescaleCase(
  networks: number,
  rows: number,
  channels: number,
  inner: number,
  sharedInput: boolean = false,
): KernelCase {
  const params = integerRescaleParams({ networks, rows, channels, inner, sharedInput });
  return { params, ...sharedInput && { entries: ["quantize"] } };
}

/** Real numbers to codes, int32 accumulators to codes in two ways, plus codes, and to real numbers. */
export const integerRescaleKernels: Kernels<IntegerRescaleEntry> = defineKernels({
  name: "integer_rescale",
  file: "kernels/integer_rescale/integer_rescale.wgsl",
  source,
  params: { networks: "u32", xSize: "u32", rows: "u32", channels: "u32", inner: "u32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths({ networks, xSize, rows, channels, inner }) {
    const size = networks * rows * channels * inner;
    const each = networks * channels;
    return {
      x: xSize,
      a: size,
      b: size,
      q: size,
      sum: size,
      y: size,
      inverseScale: networks,
      multiplier: each,
      mantissa: each,
      shift: each,
      scale: each,
      zeroPoint: networks,
      qMin: networks,
      qMax: networks,
    };
  },
  entries: {
    quantize: {
      reads: ["x", "inverseScale", "zeroPoint", "qMin", "qMax"],
      writes: ["q"],
      flops: (p) => 5 * p.networks * p.rows * p.channels * p.inner,
    },
    byFloat: {
      reads: ["a", "multiplier", "zeroPoint", "qMin", "qMax"],
      writes: ["q"],
      flops: (p) => 15 * p.networks * p.rows * p.channels * p.inner,
    },
    byFixedPoint: {
      reads: ["a", "mantissa", "shift", "zeroPoint", "qMin", "qMax"],
      writes: ["q"],
      flops: (p) => 40 * p.networks * p.rows * p.channels * p.inner,
    },
    addByFloat: {
      reads: ["a", "b", "multiplier"],
      writes: ["sum"],
      flops: (p) => 13 * p.networks * p.rows * p.channels * p.inner,
    },
    addByFixedPoint: {
      reads: ["a", "b", "mantissa", "shift"],
      writes: ["sum"],
      flops: (p) => 36 * p.networks * p.rows * p.channels * p.inner,
    },
    dequantize: {
      reads: ["a", "scale"],
      writes: ["y"],
      flops: (p) => 11 * p.networks * p.rows * p.channels * p.inner,
    },
  },
  workgroups: ({ networks, rows, channels, inner }, { WORKGROUP_SIZE }) =>
    linearGrid(networks * rows * channels * inner, WORKGROUP_SIZE),
  tolerance: "exact",
  generate: {
    x: (random, _p, length) => Array.from({ length }, () => 8 * standardNormal(random)),
    a: accumulators,
    b: (random, _p, length) => Array.from({ length }, () => randomInteger(random, -383, 383)),
    inverseScale: (random, _p, length) => Array.from({ length }, () => 0.5 + 20 * random()),
    multiplier: (random, _p, length) =>
      Array.from({ length }, () => (random() < 0.2 ? 3000 : 0.02) * random()),
    scale: (random, _p, length) => Array.from({ length }, () => 0.001 + random()),
    mantissa: (random, _p, length) =>
      Array.from({ length }, () => randomInteger(random, 2 ** 30, 2 ** 31 - 1)),
    shift: (random, _p, length) =>
      Array.from({ length }, () => randomInteger(random, -31, random() < 0.2 ? 30 : -2)),
    zeroPoint: (random, _p, length) => Array.from({ length }, () => randomInteger(random, -20, 20)),
    qMin: (random, _p, length) => Array.from({ length }, () => randomInteger(random, -128, -30)),
    qMax: (random, _p, length) => Array.from({ length }, () => randomInteger(random, 30, 255)),
  },
  reference(tensors, { networks, xSize, rows, channels, inner }, _constants, entry) {
    const { x, a, b, inverseScale, multiplier, mantissa, shift, scale } = tensors;
    const one = rows * channels * inner;
    const network = (i: number) => Math.floor(i / one);
    const channel = (i: number) => network(i) * channels + Math.floor(i / inner) % channels;
    const each = (value: (i: number) => number) =>
      Float64Array.from({ length: networks * one }, (_, i) => value(i));
    if (entry === "dequantize") {
      return { y: each((i) => fround(fround(a[i]) * scale[channel(i)])) };
    }
    const byFloat = (values: Float64Array, i: number) =>
      roundHalfEven(fround(fround(values[i]) * multiplier[channel(i)]));
    const byFixedPoint = (values: Float64Array, i: number) =>
      multiplyByFixedPoint(values[i], { mantissa: mantissa[channel(i)], shift: shift[channel(i)] });
    if (entry === "addByFloat" || entry === "addByFixedPoint") {
      const rescale = entry === "addByFloat" ? byFloat : byFixedPoint;
      // what leaves an int32 wraps
      return { sum: each((i) => (a[i] + rescale(b, i)) | 0) };
    }
    const centered = {
      quantize: (i: number) => roundHalfEven(fround(x[i % xSize] * inverseScale[network(i)])),
      byFloat: (i: number) => byFloat(a, i),
      byFixedPoint: (i: number) => byFixedPoint(a, i),
    }[entry as "quantize" | "byFloat" | "byFixedPoint"];
    const { zeroPoint, qMin, qMax } = tensors;
    return {
      q: each((i) => {
        const n = network(i);
        return Math.min(Math.max(centered(i) + zeroPoint[n], qMin[n]), qMax[n]);
      }),
    };
  },
  cases: [
    rescaleCase(1, 1, 1, 1),
    rescaleCase(1, 37, 10, 1),
    rescaleCase(3, 5, 7, 1),
    rescaleCase(2, 3, 4, 25),
    rescaleCase(3, 4, 1, 9, true),
  ],
  randomCase: (random) =>
    rescaleCase(
      randomInteger(random, 1, 3),
      randomInteger(random, 1, 9),
      randomInteger(random, 1, 12),
      randomInteger(random, 1, 40),
    ),
  benchCases: [rescaleCase(1, 2 ** 16, 64, 1)],
});
