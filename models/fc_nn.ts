import type { Tensor } from "../gpu/mod.ts";
import { linearLayer } from "./linear_layer.ts";
import {
  type ForwardHooks,
  layerParameters,
  type Model,
  type ModelInput,
  type ParameterTensors,
} from "./model.ts";

/** Sizes of a fully connected network. */
export interface FcNNOptions {
  /** Channels, height and width of an image; MNIST's if left out. */
  readonly inputShape?: readonly [number, number, number];
  /** Units of the hidden layers; 64 and 32 if left out. */
  readonly hidden?: readonly number[];
  /** Classes; 10 if left out. */
  readonly classes?: number;
}

/**
 * A fully connected network: linear layers with ReLU between them.
 *
 * With its defaults it is FC_NN 784-64-32-10, the network of the published bit-width curve; with
 * `hidden: [128]` the 101,770-parameter MLP. `forward` gives logits: log-softmax is part of the
 * loss.
 *
 * @param options Sizes.
 * @returns The model.
 * @throws {RangeError} If a width is not a whole number of at least 1.
 */
export function fcNN(options: FcNNOptions = {}): Model {
  const { inputShape = [1, 28, 28], hidden = [64, 32], classes = 10 } = options;
  const widths = [inputShape.reduce((a, b) => a * b, 1), ...hidden, classes];
  if (!widths.every((width) => Number.isInteger(width) && width >= 1)) {
    throw new RangeError(
      `Cannot make a fully connected network: widths must be whole numbers of at least 1: ` +
        widths.join("-"),
    );
  }
  const layers = widths.slice(1).map((_, i) => `fc${i + 1}`);
  return Object.freeze({
    kind: "fc_nn",
    title: `FC_NN ${widths.join("-")}`,
    inputShape,
    classes,
    layers,
    homogeneousPairs: layers.slice(1).map((second, i) => [layers[i], second] as const),
    tails: Object.fromEntries(
      layers.map((layer, i) => [layer, { relu: i < layers.length - 1 }]),
    ),
    parameters: layers.flatMap((layer, i) => layerParameters(layer, [widths[i + 1], widths[i]])),
    forward(parameters: ParameterTensors, x: ModelInput, hooks: ForwardHooks = {}): Tensor {
      const apply = (input: ModelInput, layer: string, i: number): ModelInput =>
        linearLayer(layer, input, parameters, { relu: i < layers.length - 1 }, hooks);
      return layers.reduce(apply, x) as Tensor;
    },
  });
}
