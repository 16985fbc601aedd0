import { conv2dPooled, linear, view } from "../autograd/mod.ts";
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
  /** Classes; 10 if left out. */
  readonly classes?: number;
}

const KERNEL = 3;

/**
 * A small convolutional network: 3x3 convolution, ReLU and 2x2 max-pool, repeated, then linear.
 *
 * With its defaults conv3x3(16)-ReLU-pool2-conv3x3(32)-ReLU-pool2-fc(10) on 28 x 28 images, 20,490
 * parameters.
 *
 * @param options Sizes.
 * @returns The model.
 * @throws {RangeError} If a width is not a whole number of at least 1, or images are too small.
 */
export function cnn(options: CnnOptions = {}): Model {
  const { inputShape = [1, 28, 28], channels = [16, 32], classes = 10 } = options;
  const [inChannels, height, width] = inputShape;
  const widths = [inChannels, ...channels];
  const side = (length: number) => Math.floor(length / 2 ** channels.length);
  if (!widths.every((n) => Number.isInteger(n) && n >= 1) || channels.length === 0) {
    throw new RangeError(
      "Cannot make a convolutional network: channels must be whole numbers of at least 1: " +
        widths.join("-"),
    );
  }
  if (side(height) < 1 || side(width) < 1) {
    throw new RangeError(
      `Cannot make a convolutional network of ${channels.length} poolings: images must be larger: ` +
        `${height} x ${width}`,
    );
  }
  const convolutions = channels.map((_, i) => `conv${i + 1}`);
  const features = channels.at(-1)! * side(height) * side(width);
  return Object.freeze({
    kind: "cnn",
    title: `CNN ${widths.join("-")}-${classes}`,
    inputShape,
    classes,
    layers: [...convolutions, "fc"],
    parameters: [
      ...convolutions.flatMap((layer, i) =>
        layerParameters(layer, [widths[i + 1], widths[i], KERNEL, KERNEL])
      ),
      ...layerParameters("fc", [classes, features]),
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
        y = conv2dPooled(y, ...of(layer), { padding: 1, relu: true });
      }
      y = hooks.layerInput?.("fc", y) ?? y;
      return linear(view(y, [y.shape[0], y.shape[1], features]), ...of("fc"));
    },
  });
}
