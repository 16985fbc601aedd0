import { conv2dPooled, dropout, linear, view } from "../autograd/mod.ts";
import type { Tensor } from "../gpu/mod.ts";
import {
  asTensor,
  type ForwardHooks,
  layerParameters,
  type Model,
  type ModelInput,
  type ParameterTensors,
} from "./model.ts";

/** Sizes of a small convolutional network. */
export interface CnnOptions {
  /** Channels, height and width of an image; MNIST's if left out. */
  readonly inputShape?: readonly [number, number, number];
  /** Output channels of each convolution; 16 and 32 if left out. */
  readonly channels?: readonly number[];
  /** Height and width of each convolution's filters; 3 if left out. */
  readonly kernel?: number;
  /** Zeros on all four sides of each convolution's input; 1 if left out. */
  readonly padding?: number;
  /** Whether convolutions are rectified before they are pooled; true if left out. */
  readonly rectified?: boolean;
  /** Units of hidden linear layers, each rectified; none if left out. */
  readonly hidden?: readonly number[];
  /** Share of the inputs of each linear layer that training drops, 0 to less than 1; 0 if left out. */
  readonly dropout?: number;
  /** Classes; 10 if left out. */
  readonly classes?: number;
  /** How bytes become numbers; 0 to 1 if left out. */
  readonly normalization?: Model["normalization"];
}

/** Height and width after every convolution and pooling. */
function pooledSize(
  [height, width]: readonly number[],
  { kernel, padding, count }: { kernel: number; padding: number; count: number },
): [height: number, width: number] {
  const once = (length: number) => Math.floor((length + 2 * padding - kernel + 1) / 2);
  return count === 0
    ? [height, width]
    : pooledSize([once(height), once(width)], { kernel, padding, count: count - 1 });
}

function checkWidths(name: string, widths: readonly number[], areEnough: boolean = true): void {
  if (!areEnough || !widths.every((n) => Number.isInteger(n) && n >= 1)) {
    throw new RangeError(
      `Cannot make a convolutional network: ${name} must be whole numbers of at least 1: ` +
        widths.join("-"),
    );
  }
}

/**
 * A small convolutional network: convolution, ReLU and 2x2 max-pool, repeated, then linear layers
 * with ReLU between them.
 *
 * With its defaults conv3x3(16)-ReLU-pool2-conv3x3(32)-ReLU-pool2-fc(10) on 28 x 28 images, 20,490
 * parameters. LeNet-5 in Caffe's form (431,080) has 5 x 5 filters without padding or ReLU, 20 and 50
 * channels and 500 hidden units.
 *
 * @param options Sizes.
 * @returns The model.
 * @throws {RangeError} If a width is not a whole number of at least 1, or images are too small.
 * @see LeCun et al. 1998, doi:10.1109/5.726791
 */
export function cnn(options: CnnOptions = {}): Model {
  const { inputShape = [1, 28, 28], channels = [16, 32], hidden = [], classes = 10 } = options;
  const { kernel = 3, padding = 1, rectified: relu = true, dropout: rate = 0 } = options;
  const [inChannels, ...imageSize] = inputShape;
  const widths = [inChannels, ...channels];
  checkWidths("channels", widths, channels.length > 0);
  checkWidths("hidden units", hidden);
  if (!(rate >= 0 && rate < 1)) {
    throw new RangeError(
      `Cannot make a convolutional network: dropout must be from 0 to less than 1: ${rate}`,
    );
  }
  const size = pooledSize(imageSize, { kernel, padding, count: channels.length });
  if (!size.every((length) => length >= 1)) {
    throw new RangeError(
      `Cannot make a convolutional network of ${channels.length} poolings: images must be larger: ` +
        imageSize.join(" x "),
    );
  }
  const pooled = channels.map((outputs, i) => {
    const [height, width] = pooledSize(imageSize, { kernel, padding, count: i + 1 });
    return 2 * outputs * height * width; // each with where its maximum was
  });
  const convolutions = channels.map((_, i) => `conv${i + 1}`);
  const units = [widths.at(-1)! * size[0] * size[1], ...hidden, classes];
  const linears = hidden.length === 0 ? ["fc"] : units.slice(1).map((_, i) => `fc${i + 1}`);
  const layers = [...convolutions, ...linears];
  return Object.freeze({
    kind: "cnn",
    title: `CNN ${widths.join("-")}${
      hidden.length === 0 ? "" : ", fc " + hidden.join("-")
    }-${classes}`,
    inputShape,
    classes,
    normalization: options.normalization,
    activations: pooled.reduce((sum, outputs) => sum + outputs, inputShape.reduce((a, b) => a * b)),
    layers,
    homogeneousPairs: layers.slice(1).map((second, i) => [layers[i], second] as const),
    convolutions: Object.fromEntries(
      convolutions.map((layer) => [layer, { stride: 1, padding, groups: 1 }]),
    ),
    tails: Object.fromEntries([
      ...convolutions.map((layer) => [layer, { relu, maxPool: 2 }]),
      ...linears.map((layer, i) => [layer, { relu: i < linears.length - 1 }]),
    ]),
    parameters: [
      ...convolutions.flatMap((layer, i) =>
        layerParameters(layer, [widths[i + 1], widths[i], kernel, kernel])
      ),
      ...linears.flatMap((layer, i) => layerParameters(layer, [units[i + 1], units[i]])),
    ],
    forward(parameters: ParameterTensors, input: ModelInput, hooks: ForwardHooks = {}): Tensor {
      const of = (layer: string): [Tensor, Tensor] => [
        parameters[`${layer}.weight`],
        parameters[`${layer}.bias`],
      ];
      const x = asTensor(input);
      let y = view(x, [x.shape[0], x.shape[1], ...inputShape]);
      for (const layer of convolutions) {
        y = hooks.layerInput?.(layer, y) ?? y;
        y = conv2dPooled(y, ...of(layer), { padding, relu });
        hooks.layerOutput?.(layer, y);
      }
      for (const [i, layer] of linears.entries()) {
        y = dropout(y, { rate, stream: i, training: hooks.training });
        // seen as an image before it is flat, as the first linear layer's input always was
        y = hooks.layerInput?.(layer, y) ?? y;
        if (i === 0) y = view(y, [y.shape[0], y.shape[1], units[0]]);
        y = linear(y, ...of(layer), { relu: i < linears.length - 1 });
        hooks.layerOutput?.(layer, y);
      }
      return y;
    },
  });
}
