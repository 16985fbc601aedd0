import { gatherPixels, type PixelRows } from "../autograd/mod.ts";
import type { Tensor } from "../gpu/mod.ts";

/** One tensor that a model keeps, without the axis of networks. */
export interface ParameterSpec {
  /** PyTorch's name, such as `fc1.weight`. */
  readonly name: string;
  /** PyTorch's shape: `[outputs, inputs]`, `[outputs, inputs, height, width]` or `[outputs]`. */
  readonly shape: readonly number[];
  /** Initial values are uniform in [-bound, bound], unless they are `initial`. */
  readonly bound: number;
  /**
   * What every element is at first, such as 1 for the scale of a batch norm; of several numbers, that
   * one after the other again and again.
   */
  readonly initial?: number | readonly number[];
  /** What a number becomes once it is drawn, such as an integer; it stays as it is if left out. */
  readonly settle?: (drawn: number) => number;
  /**
   * Kept but not trained: the running statistics of a batch norm, which the forward pass updates in
   * place while it trains.
   */
  readonly isBuffer?: true;
}

/** The parameters of a population by name, each `[networks, ...shape]`. */
export type ParameterTensors = Readonly<Record<string, Tensor>>;

/** What a forward pass needs to know while it trains. */
export interface TrainingContext {
  /** `u32 [1]`: steps done. */
  readonly clock: Tensor;
  /** `u32 [networks]`: what random numbers of each network start from. */
  readonly seeds: Tensor;
}

/** Ways to look at, or replace, what flows through a forward pass. */
export interface ForwardHooks {
  /**
   * There while training: batch norm normalizes by the batch and updates its running statistics,
   * dropout drops. Without it the network infers.
   */
  readonly training?: TrainingContext;
  /**
   * Sees the input of every layer with weights and gives what the layer shall use.
   *
   * @param layer Name of the layer, such as `fc1`.
   * @param x Its input, `[networks or 1, rows, ...]`.
   */
  readonly layerInput?: (layer: string, x: Tensor) => Tensor;
  /**
   * Sees what every layer with weights hands on: its output with the bias, batch norm, shortcut, ReLU
   * and max pooling that belong to it.
   *
   * @param layer Name of the layer, such as `fc1`.
   * @param y Its output, `[networks, rows, ...]`.
   */
  readonly layerOutput?: (layer: string, y: Tensor) => void;
  /**
   * Whether a shortcut carries what `layerInput` made of its block's input, as in an integer runtime,
   * which has nothing else; it carries the input as it was if left out.
   */
  readonly seenShortcuts?: boolean;
}

/** What a model looks at: images as floats, or the rows of a resident set of bytes. */
export type ModelInput = Tensor | PixelRows;

/**
 * Gives images as floats.
 *
 * @param x Images, or where they are.
 * @returns `[networks or 1, rows, pixels]`.
 */
export function asTensor(x: ModelInput): Tensor {
  return "source" in x ? gatherPixels(x) : x;
}

/** A batch norm that directly follows a layer with weights. */
export interface BatchNormPlace {
  /** Name of the layer, such as `layer1.0.conv1`. */
  readonly layer: string;
  /** Name of the norm, such as `layer1.0.bn1`; `weight`, `bias` and the running statistics exist. */
  readonly norm: string;
  /** What is added to the variance. */
  readonly epsilon: number;
}

/** How a convolution moves over its input. */
export interface ConvolutionGeometry {
  /** Of both axes. */
  readonly stride: number;
  /** Zeros on all four sides. */
  readonly padding: number;
  /** Convolutions side by side, each over its own share of the channels. */
  readonly groups: number;
}

/** What follows a layer with weights, in this order: shortcut, ReLU, pooling. */
export interface LayerTail {
  /**
   * The layer whose input is added, as it is or, to more channels, by option A (every second row and
   * column, channels of zeros on both sides); nothing if left out.
   */
  readonly shortcut?: string;
  /** Whether a ReLU follows. */
  readonly relu: boolean;
  /** Side and distance of the windows of a max pooling after it; none if left out. */
  readonly maxPool?: number;
  /** Positions of a channel, all of which become their mean; they stay if left out. */
  readonly globalAverage?: number;
}

/** A network as plain data and one pure function; P networks of it run in the same dispatches. */
export interface Model {
  /** Such as `fc_nn`. */
  readonly kind: string;
  /** For a person, such as `FC_NN 784-64-32-10`. */
  readonly title: string;
  /** Channels, height and width of an input image. */
  readonly inputShape: readonly [channels: number, height: number, width: number];
  /** Count of logits. */
  readonly classes: number;
  /**
   * How it wants bytes to become numbers: `x = (byte / 255 - mean) / std`, channel by channel; 0 to 1
   * if left out. Whoever uploads images for it applies this.
   */
  readonly normalization?: { readonly mean: readonly number[]; readonly std: readonly number[] };
  /**
   * Numbers that a forward pass computes of one image, all layers together; left out where they are
   * too few to matter. See {@link rowsAtOnce}.
   */
  readonly activations?: number;
  /** Every tensor that is trained or kept, in PyTorch's order. */
  readonly parameters: readonly ParameterSpec[];
  /** Names of the layers with weights, in order; `layer.bias` may be missing where a norm follows. */
  readonly layers: readonly string[];
  /** How each convolution among the layers looks at its input, by name. */
  readonly convolutions?: Readonly<Record<string, ConvolutionGeometry>>;
  /**
   * Pairs of layers between which there is nothing but ReLU, pooling or dropout (and the first one's
   * norm, until it is folded): a positive factor of a channel may move from one to the other.
   */
  readonly homogeneousPairs?: readonly (readonly [first: string, second: string])[];
  /**
   * What follows each layer, by name, where every layer sees the output of the one before it: with
   * weights and geometry all that integer inference needs to know. Left out where something else
   * stands between two layers.
   */
  readonly tails?: Readonly<Record<string, LayerTail>>;
  /** Its batch norms, and the model that is left when each is part of the layer before it. */
  readonly batchNorms?: {
    readonly places: readonly BatchNormPlace[];
    readonly folded: () => Model;
  };
  /**
   * Computes logits.
   *
   * @param parameters Of all networks.
   * @param x Images `[networks or 1, rows, channels * height * width]`, or where they are.
   * @returns Logits `[networks, rows, classes]`.
   */
  forward(parameters: ParameterTensors, x: ModelInput, hooks?: ForwardHooks): Tensor;
}

/**
 * Counts the trainable numbers of one network; buffers are none.
 *
 * @param model The model.
 * @returns Their count.
 */
export function parameterCount(model: Model): number {
  return model.parameters.filter(({ isBuffer }) => !isBuffer).reduce(
    (sum, { shape }) => sum + shape.reduce((product, axis) => product * axis, 1),
    0,
  );
}

/**
 * Finds the shape of one parameter.
 *
 * @param model The model.
 * @param name Such as `fc1.weight`.
 * @returns Its shape, without the axis of networks.
 * @throws {RangeError} If the model has no such parameter.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { fcNN, parameterShape } from "@bitcliff/bitcliff";
 *
 * assert.deepEqual(parameterShape(fcNN({ hidden: [64, 32] }), "fc2.weight"), [32, 64]);
 * ```
 */
export function parameterShape({ title, parameters }: Model, name: string): readonly number[] {
  const found = parameters.find((spec) => spec.name === name);
  if (found === undefined) {
    throw new RangeError(
      `Cannot find the shape of "${name}": it must be a parameter of ${title}: there are ` +
        parameters.map((spec) => spec.name).join(", "),
    );
  }
  return found.shape;
}

/**
 * Declares the weight and bias of a layer, initialized as PyTorch does by default.
 *
 * Kaiming-uniform with a = sqrt(5) comes down to bounds of 1 / sqrt(fan-in) for both.
 *
 * @param layer Name, such as `fc1`.
 * @param weightShape Shape of the weight, outputs first.
 * @returns Weight and bias.
 * @see He et al. 2015, arXiv:1502.01852
 */
export function layerParameters(layer: string, weightShape: readonly number[]): ParameterSpec[] {
  const fanIn = weightShape.slice(1).reduce((product, axis) => product * axis, 1);
  const bound = 1 / Math.sqrt(fanIn);
  return [
    { name: `${layer}.weight`, shape: weightShape, bound },
    { name: `${layer}.bias`, shape: [weightShape[0]], bound },
  ];
}

/** Numbers that all activations of one forward pass may be: 256 MiB of floats. */
const MOST_ACTIVATIONS = 2 ** 26;
/** Every part of a set begins at a multiple of so many rows, where WebGPU can bind it. */
const ROWS_ALIGNMENT = 64;

/**
 * Tells how many images may go through a model at once, so that memory lasts and every activation can
 * be bound.
 *
 * @param model The model.
 * @param networks How many networks look at each image.
 * @returns A multiple of 64, or `Infinity` where it does not matter.
 */
export function rowsAtOnce({ activations }: Model, networks: number): number {
  if (activations === undefined) return Infinity;
  const rows = MOST_ACTIVATIONS / (activations * networks);
  return Math.max(1, Math.floor(rows / ROWS_ALIGNMENT)) * ROWS_ALIGNMENT;
}

/**
 * Tells how many networks may go side by side, so that the fewest images that {@link rowsAtOnce} gives can
 * be bound for all of them.
 *
 * @param model The model.
 * @param most What is wanted, and what it comes to for all but wide convolutional networks.
 * @param copies Numbers that are kept for each that a forward pass computes.
 * @returns At least one.
 */
export function networksAtOnce(
  { activations = 0 }: Model,
  most: number,
  copies: number = 1,
): number {
  const fitting = Math.floor(MOST_ACTIVATIONS / (activations * ROWS_ALIGNMENT * copies));
  return Math.max(1, Math.min(most, fitting));
}
