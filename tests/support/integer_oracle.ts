import assert from "node:assert/strict";
import type {
  IntegerLayer,
  IntegerNetwork,
  RequantizationKind,
  Rescaling,
} from "../../compression/mod.ts";

/** What a network gives for one image, in integers of any length. */
export interface OracleResult {
  /** Codes that each layer computes with, by the layer's name. */
  readonly codes: Readonly<Record<string, readonly number[]>>;
  /** Accumulators of the last layer. */
  readonly accumulators: readonly number[];
}

/** Rows of weights, each with the inputs that it meets; `undefined` is padding. */
function accumulate(x: readonly bigint[], shape: readonly number[], layer: IntegerLayer): bigint[] {
  const { weight, bias, inputGrid, convolution } = layer;
  const [outputs] = weight.shape;
  const row = weight.codes.length / outputs;
  const zero = BigInt(inputGrid.zeroPoint);
  const sumOf = (o: number, inputAt: (i: number) => bigint | undefined): bigint => {
    let sum = BigInt(bias[o]);
    for (let i = 0; i < row; i++) {
      const input = inputAt(i);
      const w = BigInt(weight.codes[o * row + i] - weight.zeroPoints[o]);
      sum += ((input ?? zero) - zero) * w;
    }
    return sum;
  };
  if (convolution === undefined) {
    return Array.from({ length: outputs }, (_, o) => sumOf(o, (i) => x[i]));
  }
  const [, height, width] = shape;
  const [, , kh, kw] = weight.shape;
  const { stride, padding } = convolution;
  const outHeight = Math.floor((height + 2 * padding - kh) / stride) + 1;
  const outWidth = Math.floor((width + 2 * padding - kw) / stride) + 1;
  return Array.from({ length: outputs * outHeight * outWidth }, (_, at) => {
    const [ox, oy] = [at % outWidth, Math.floor(at / outWidth) % outHeight];
    return sumOf(Math.floor(at / (outWidth * outHeight)), (i) => {
      const r = oy * stride - padding + Math.floor(i / kw) % kh;
      const c = ox * stride - padding + i % kw;
      const inside = r >= 0 && r < height && c >= 0 && c < width;
      return inside ? x[(Math.floor(i / (kw * kh)) * height + r) * width + c] : undefined;
    });
  });
}

/** TensorFlow Lite's rescaling, written with the 64-bit arithmetic of its own source. */
function rescale(a: bigint, mantissa: bigint, shift: number): bigint {
  const shifted = BigInt.asIntN(32, a << BigInt(Math.max(shift, 0)));
  const nudge = shifted * mantissa >= 0n ? 1n << 30n : 1n - (1n << 30n);
  const high = (shifted * mantissa + nudge) / (1n << 31n);
  const right = BigInt(Math.max(-shift, 0));
  const mask = (1n << right) - 1n;
  const threshold = (mask >> 1n) + (high < 0n ? 1n : 0n);
  return (high >> right) + ((high & mask) > threshold ? 1n : 0n);
}

/** Codes around a block, steps from their zero: every second row and column and channels of zeros, or as they are. */
function shortcutOf(
  codes: readonly number[],
  inChannels: number,
  outChannels: number,
  zeroPoint: number,
): number[] {
  const side = Math.sqrt(codes.length / inChannels);
  const stride = inChannels === outChannels ? 1 : 2;
  const before = (outChannels - inChannels) / 2;
  const kept = Array.from({ length: Math.ceil(side / stride) }, (_, i) => i * stride);
  return Array.from({ length: outChannels }, (_, o) => o - before).flatMap((c) =>
    kept.flatMap((row) =>
      kept.map((column) =>
        c < 0 || c >= inChannels ? 0 : codes[(c * side + row) * side + column] - zeroPoint
      )
    )
  );
}

function halfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

/**
 * Runs an integer network on one image in the slowest and plainest way.
 *
 * Codes are requantized before they are pooled, as integer runtimes do; convolutions have one group.
 *
 * @param network The network.
 * @param input Codes of the image.
 * @param kind How accumulators become codes.
 * @returns All codes and the last accumulators.
 */
export function runOracle(
  network: IntegerNetwork,
  input: readonly number[],
  kind: RequantizationKind,
): OracleResult {
  let x = input.map(BigInt);
  let shape: readonly number[] = network.inputShape;
  const codes: Record<string, number[]> = {};
  const rescaled = (a: bigint, o: number, { fixedPoints, multipliers }: Rescaling) =>
    kind === "fixedPoint"
      ? Number(rescale(a, BigInt(fixedPoints[o].mantissa), fixedPoints[o].shift))
      : halfEven(Math.fround(Math.fround(Number(a)) * multipliers[o]));
  for (const { layer, requantization: to } of network.steps) {
    codes[layer.layer] = x.map(Number);
    let sums = accumulate(x, shape, layer);
    if (to === undefined) return { codes, accumulators: sums.map(Number) };
    const outputs = layer.weight.shape[0];
    const { shortcut, globalAverage, relu } = layer;
    if (shortcut !== undefined) {
      const { layer: first } = network.steps.find((step) => step.layer.layer === shortcut.from)!;
      const inChannels = first.weight.shape[1];
      const around = shortcutOf(codes[shortcut.from], inChannels, outputs, shortcut.grid.zeroPoint);
      const positions = sums.length / outputs;
      assert.equal(around.length, sums.length);
      sums = sums.map((a, i) =>
        a + BigInt(rescaled(BigInt(around[i]), Math.floor(i / positions), shortcut))
      );
    }
    if (globalAverage !== undefined) {
      const rectified = sums.map((a) => relu && a < 0n ? 0n : a);
      sums = Array.from(
        { length: outputs },
        (_, o) =>
          rectified.slice(o * globalAverage, (o + 1) * globalAverage).reduce((a, b) => a + b),
      );
    }
    const values = sums.map((a, i) => {
      const q = rescaled(a, Math.floor(i / (sums.length / outputs)), to);
      return Math.min(Math.max(q + to.zeroPoint, to.qMin), to.qMax);
    });
    const side = layer.convolution === undefined ? 1 : Math.sqrt(sums.length / outputs);
    const size = layer.maxPool ?? 1;
    const pooled = Math.floor(side / size);
    x = Array.from({ length: outputs * pooled * pooled }, (_, i) => {
      const corner = Math.floor(i / pooled ** 2) * side ** 2 +
        Math.floor(i / pooled) % pooled * size * side + i % pooled * size;
      const window = Array.from(
        { length: size * size },
        (_, tap) => values[corner + Math.floor(tap / size) * side + tap % size],
      );
      return BigInt(Math.max(...window));
    });
    shape = [outputs, pooled, pooled];
  }
  throw new Error("the last layer gives logits");
}
