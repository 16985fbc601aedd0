/** What of a layer is compared; an output has the norm, shortcut, ReLU and pooling that belong to it. */
export type LayerPart = "input" | "weight" | "bias" | "output";

/** How far a tensor of one network, b, is from that of another, a. */
export interface TensorDifference {
  /** 10 log10(sum a^2 / sum (a - b)^2), in dB: infinite where they are equal, NaN where one is. */
  readonly signalToNoise: number;
  /** Largest |a - b|. */
  readonly largest: number;
  /** Share of the values that the grid or range of b cuts off, 0 to 1; absent where there is none. */
  readonly clipped?: number;
  /** Channels of an activation, output channels of a weight. */
  readonly channels: number;
  /** Channels of a in which nothing but 0 was seen. */
  readonly deadA: number;
  /** Channels of b in which nothing but 0 was seen. */
  readonly deadB: number;
}

/** Sums and maxima of one channel. */
export interface ChannelSums {
  /** Sum of a^2. */
  signal: number;
  /** Sum of (a - b)^2. */
  noise: number;
  /** Largest |a - b|. */
  largest: number;
  /** Largest |a|. */
  peakA: number;
  /** Largest |b|. */
  peakB: number;
}

/** Sums of nothing, to add to. */
export function noSums(): ChannelSums {
  return { signal: 0, noise: 0, largest: 0, peakA: 0, peakB: 0 };
}

/**
 * Computes a signal-to-noise ratio.
 *
 * @param signal Sum of the squares of what should be.
 * @param noise Sum of the squares of what is wrong.
 * @returns 10 log10(signal / noise) in dB: infinite without noise, NaN if either is no number.
 */
export function decibels(signal: number, noise: number): number {
  if (Number.isNaN(signal) || Number.isNaN(noise)) return NaN;
  return noise === 0 ? Infinity : 10 * Math.log10(signal / noise);
}

/**
 * Puts the channels of a tensor together.
 *
 * @param channels Sums of every channel.
 * @param clipped Share of the values that are cut off, if something can be.
 * @returns The difference of the whole tensor.
 */
export function differenceOf(
  channels: readonly ChannelSums[],
  clipped?: number,
): TensorDifference {
  const total = noSums();
  for (const { signal, noise, largest } of channels) {
    total.signal += signal;
    total.noise += noise;
    total.largest = Math.max(total.largest, largest);
  }
  const isDead = (name: "peakA" | "peakB") =>
    channels.filter((sums) => sums[name] === 0 && !Number.isNaN(sums.signal + sums.noise)).length;
  return {
    signalToNoise: decibels(total.signal, total.noise),
    largest: total.largest,
    ...clipped === undefined ? {} : { clipped },
    channels: channels.length,
    deadA: isDead("peakA"),
    deadB: isDead("peakB"),
  };
}

/**
 * Tells whether two tensors differ at all.
 *
 * @param difference Of the two.
 * @returns True also where one holds a NaN, which equals nothing.
 */
export function differs({ signalToNoise, largest }: TensorDifference): boolean {
  return signalToNoise !== Infinity || largest !== 0;
}
