/** A linear layer or convolution of which weights and bias may be rescaled. */
export interface ScalableLayer {
  /** Row-major, outputs first. */
  readonly weight: Float32Array<ArrayBuffer>;
  /** `[outputs, inputs]`, or `[outputs, inputs / groups, height, width]`. */
  readonly shape: readonly number[];
  /** `[outputs]`. */
  readonly bias?: Float32Array<ArrayBuffer>;
  /** Of a convolution; 1 if left out. */
  readonly groups?: number;
}

/**
 * Tells for every weight of a layer by which channel of the layer before it is fed.
 *
 * A linear layer behind a flattened image has several inputs a channel, and each convolution of a group
 * sees only the channels of its group.
 *
 * @param layer The layer.
 * @param channels Outputs of the layer before it.
 * @returns From an index of the weight to a channel.
 * @throws {RangeError} If the inputs do not fall into so many channels.
 */
function inputChannelOf(
  { weight, shape, groups = 1 }: ScalableLayer,
  channels: number,
): (at: number) => number {
  const [outputs] = shape;
  const inputs = weight.length / outputs;
  const ofGroup = channels / groups;
  const width = inputs / ofGroup;
  if (![inputs, ofGroup, width, outputs / groups].every(Number.isInteger)) {
    throw new RangeError(
      `Cannot rescale channels: a layer of shape [${
        shape.join(", ")
      }] in ${groups} groups must have ` +
        `inputs for each of ${channels} channels`,
    );
  }
  return (at) => {
    const output = Math.floor(at / inputs);
    return Math.floor(output * groups / outputs) * ofGroup + Math.floor(at % inputs / width);
  };
}

/**
 * Moves a factor for each channel from one layer into the next, which changes nothing of what they
 * compute together if only ReLUs and poolings stand between: f(x / s) = f(x) / s for s > 0.
 *
 *     W1' = W1 / s,   b1' = b1 / s   (row c by s_c),      W2' = W2 s   (inputs of channel c by s_c)
 *
 * @param first The layer that makes the channels.
 * @param second The layer that they feed.
 * @param scales s, more than 0, one a channel.
 * @returns Both layers.
 * @throws {RangeError} If there is not one positive scale a channel, or the layers do not fit.
 */
export function rescaleChannels(
  first: ScalableLayer,
  second: ScalableLayer,
  scales: Float64Array,
): [first: ScalableLayer, second: ScalableLayer] {
  const [channels] = first.shape;
  if (scales.length !== channels || !scales.every((s) => s > 0 && s < Infinity)) {
    throw new RangeError(
      `Cannot rescale ${channels} channels: each needs a scale of more than 0: ${scales.length} ` +
        `are given, ${scales.filter((s) => s > 0 && s < Infinity).length} of them positive`,
    );
  }
  const channelOf = inputChannelOf(second, channels);
  const inputs = first.weight.length / channels;
  return [
    {
      ...first,
      weight: first.weight.map((w, at) => w / scales[Math.floor(at / inputs)]),
      ...first.bias && { bias: first.bias.map((b, c) => b / scales[c]) },
    },
    { ...second, weight: second.weight.map((w, at) => w * scales[channelOf(at)]) },
  ];
}

/**
 * Finds the largest magnitude among the weights that each channel feeds.
 *
 * @param layer The layer that the channels feed.
 * @param channels How many.
 * @returns One a channel.
 * @throws {RangeError} If the inputs do not fall into so many channels.
 */
export function inputWeightMaxima(
  layer: ScalableLayer,
  channels: number,
): Float64Array<ArrayBuffer> {
  const maxima = new Float64Array(channels);
  const channelOf = inputChannelOf(layer, channels);
  layer.weight.forEach((w, at) => {
    const c = channelOf(at);
    maxima[c] = Math.max(maxima[c], Math.abs(w));
  });
  return maxima;
}
