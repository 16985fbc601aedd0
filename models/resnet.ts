import {
  add,
  batchNorm,
  conv2d,
  globalAveragePool,
  linear,
  optionAShortcut,
  view,
} from "../autograd/mod.ts";
import { sizeOf, type Tensor } from "../gpu/mod.ts";
import {
  asTensor,
  type BatchNormPlace,
  type ForwardHooks,
  type LayerTail,
  type Model,
  type ModelInput,
  type ParameterSpec,
  type ParameterTensors,
} from "./model.ts";

/** Sizes of a residual network. */
export interface ResnetOptions {
  /** Layers with weights: 6 n + 2, with n blocks in each of three stages; 20 if left out. */
  readonly depth?: number;
  /** Channels of the first stage, a multiple of 4; 16 if left out. The others have 2 and 4 times as many. */
  readonly width?: number;
  /** Channels, height and width of an image; CIFAR-10's if left out. */
  readonly inputShape?: readonly [number, number, number];
  /** Classes; 10 if left out. */
  readonly classes?: number;
  /** Whether batch norms are part of the convolutions; false if left out. */
  readonly folded?: boolean;
}

/** Added to the variance of a batch norm. */
const EPSILON = 1e-5;
const KERNEL = 3;

/** What the published networks for CIFAR-10 were trained with: ImageNet's mean and deviation. */
const IMAGENET_PIXELS = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** A convolution without bias, and the norm that follows it. */
interface ConvolutionPlace {
  readonly layer: string;
  readonly norm: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: number;
}

/** Two convolutions and a shortcut around them. */
interface BlockPlace {
  readonly first: ConvolutionPlace;
  readonly second: ConvolutionPlace;
}

function blocksOf(width: number, blocksAStage: number): BlockPlace[] {
  let inputs = width;
  return [1, 2, 3].flatMap((stage) =>
    Array.from({ length: blocksAStage }, (_, i) => {
      const outputs = width * 2 ** (stage - 1);
      const place = (n: number, from: number, stride: number): ConvolutionPlace => ({
        layer: `layer${stage}.${i}.conv${n}`,
        norm: `layer${stage}.${i}.bn${n}`,
        inputs: from,
        outputs,
        stride,
      });
      const block = {
        first: place(1, inputs, stage > 1 && i === 0 ? 2 : 1),
        second: place(2, outputs, 1),
      };
      inputs = outputs;
      return block;
    })
  );
}

/** Uniform with the variance 2 / fan-in, which keeps the scale of activations through ReLUs. */
function heBound(fanIn: number): number {
  return Math.sqrt(6 / fanIn);
}

function convolutionParameters(place: ConvolutionPlace, folded: boolean): ParameterSpec[] {
  const { layer, norm, inputs, outputs } = place;
  const weight = {
    name: `${layer}.weight`,
    shape: [outputs, inputs, KERNEL, KERNEL],
    bound: heBound(inputs * KERNEL ** 2),
  };
  const vector = (name: string, initial: number, isBuffer?: true): ParameterSpec => ({
    name,
    shape: [outputs],
    bound: 0,
    initial,
    ...isBuffer && { isBuffer },
  });
  if (folded) return [weight, vector(`${layer}.bias`, 0)];
  return [
    weight,
    vector(`${norm}.weight`, 1),
    vector(`${norm}.bias`, 0),
    vector(`${norm}.running_mean`, 0, true),
    vector(`${norm}.running_var`, 1, true),
  ];
}

/** The input of a layer, shown to those who want to see or replace it. */
function seenBy(layer: string, x: Tensor, hooks: ForwardHooks): Tensor {
  return hooks.layerInput?.(layer, x) ?? x;
}

/** A convolution with all that belongs to it, its output shown. */
function convolve(
  seen: Tensor,
  place: ConvolutionPlace,
  parameters: ParameterTensors,
  hooks: ForwardHooks,
  shortcut?: Tensor,
): Tensor {
  const y = convolveSeen(seen, place, parameters, hooks, shortcut);
  hooks.layerOutput?.(place.layer, y);
  return y;
}

/** Convolves, normalizes unless that is folded, adds a shortcut if there is one, and rectifies. */
function convolveSeen(
  seen: Tensor,
  { layer, norm, stride }: ConvolutionPlace,
  parameters: ParameterTensors,
  hooks: ForwardHooks,
  shortcut: Tensor | undefined,
): Tensor {
  const weight = parameters[`${layer}.weight`];
  const bias = parameters[`${layer}.bias`];
  const options = { stride, padding: 1 };
  if (bias !== undefined) {
    return shortcut === undefined
      ? conv2d(seen, weight, bias, { ...options, relu: true })
      : add(conv2d(seen, weight, bias, options), shortcut, { relu: true });
  }
  const of = (name: string) => parameters[`${norm}.${name}`];
  return batchNorm(conv2d(seen, weight, undefined, options), {
    weight: of("weight"),
    bias: of("bias"),
    runningMean: of("running_mean"),
    runningVar: of("running_var"),
  }, { epsilon: EPSILON, isTraining: hooks.training !== undefined, shortcut, relu: true });
}

/**
 * A residual network for small images: a convolution, three stages of blocks of two convolutions with
 * a shortcut around them, global average pooling and a linear layer.
 *
 * Shortcuts take every second row and column and fill missing channels with zeros (option A), so they
 * have no parameters. Tensor names are those of `akamaster/pytorch_resnet_cifar10`. Initial weights have
 * the variance 2 / fan-in.
 *
 * @param options Sizes; ResNet-20 for CIFAR-10 (269,722 parameters) if left out.
 * @returns The model.
 * @throws {RangeError} If depth is not 6 n + 2 or width not a multiple of 4, or images are too small.
 * @see He et al. 2016, arXiv:1512.03385, section 4.2; initial values: He et al. 2015, arXiv:1502.01852
 */
export function resnet(options: ResnetOptions = {}): Model {
  const { depth = 20, width = 16, inputShape = [3, 32, 32], classes = 10 } = options;
  const { folded = false } = options;
  const blocksAStage = (depth - 2) / 6;
  if (!Number.isInteger(blocksAStage) || blocksAStage < 1) {
    throw new RangeError(`Cannot make a residual network: depth must be 6 n + 2: ${depth}`);
  }
  if (!Number.isInteger(width / 4) || width < 4) {
    throw new RangeError(`Cannot make a residual network: width must be a multiple of 4: ${width}`);
  }
  const [channels, imageHeight, imageWidth] = inputShape;
  if (imageHeight < 4 || imageWidth < 4) {
    throw new RangeError(
      `Cannot make a residual network: images must be at least 4 x 4: ${imageHeight} x ${imageWidth}`,
    );
  }
  const stem = { layer: "conv1", norm: "bn1", inputs: channels, outputs: width, stride: 1 };
  const blocks = blocksOf(width, blocksAStage);
  const convolutions = [stem, ...blocks.flatMap(({ first, second }) => [first, second])];
  const features = 4 * width;
  const bound = heBound(features);
  const head: ParameterSpec[] = [
    { name: "linear.weight", shape: [classes, features], bound },
    { name: "linear.bias", shape: [classes], bound: 0, initial: 0 },
  ];
  const places: BatchNormPlace[] = convolutions.map(({ layer, norm }) => ({
    layer,
    norm,
    epsilon: EPSILON,
  }));
  return Object.freeze({
    kind: "resnet",
    title: `ResNet-${depth}${folded ? ", batch norms folded" : ""}`,
    inputShape,
    classes,
    normalization: channels === 3 ? IMAGENET_PIXELS : undefined,
    activations: activationsOf(convolutions, inputShape),
    layers: [...convolutions.map(({ layer }) => layer), "linear"],
    homogeneousPairs: blocks.map(({ first, second }) => [first.layer, second.layer] as const),
    tails: folded
      ? tailsOf(blocks, Math.ceil(imageHeight / 4) * Math.ceil(imageWidth / 4))
      : undefined,
    convolutions: Object.fromEntries(
      convolutions.map(({ layer, stride }) => [layer, { stride, padding: 1, groups: 1 }]),
    ),
    parameters: [...convolutions.flatMap((place) => convolutionParameters(place, folded)), ...head],
    batchNorms: folded ? undefined : { places, folded: () => resnet({ ...options, folded: true }) },
    forward(parameters: ParameterTensors, input: ModelInput, hooks: ForwardHooks = {}): Tensor {
      const x = asTensor(input);
      let y = view(x, [x.shape[0], x.shape[1], ...inputShape]);
      y = convolve(seenBy(stem.layer, y, hooks), stem, parameters, hooks);
      for (const { first, second } of blocks) {
        const x = seenBy(first.layer, y, hooks);
        const around = hooks.seenShortcuts ? x : y;
        const shortcut = first.inputs === first.outputs
          ? around
          : optionAShortcut(around, first.outputs);
        y = convolve(x, first, parameters, hooks);
        y = convolve(seenBy(second.layer, y, hooks), second, parameters, hooks, shortcut);
      }
      y = seenBy("linear", globalAveragePool(y), hooks);
      y = linear(y, parameters["linear.weight"], parameters["linear.bias"]);
      hooks.layerOutput?.("linear", y);
      return y;
    },
  });
}

/** What follows each layer; all positions of the last block become their mean. */
function tailsOf(blocks: readonly BlockPlace[], positions: number): Record<string, LayerTail> {
  const tails: Record<string, LayerTail> = { conv1: { relu: true } };
  for (const [i, { first, second }] of blocks.entries()) {
    const isLast = i === blocks.length - 1;
    tails[first.layer] = { relu: true };
    tails[second.layer] = {
      shortcut: first.layer,
      relu: true,
      ...isLast && { globalAverage: positions },
    };
  }
  return { ...tails, linear: { relu: false } };
}

/** Each convolution is followed by a norm, with what comes after it in the same pass. */
function activationsOf(
  convolutions: readonly ConvolutionPlace[],
  [channels, height, width]: readonly [number, number, number],
): number {
  let size = [height, width];
  let total = sizeOf([channels, height, width]);
  for (const { outputs, stride } of convolutions) {
    size = size.map((length) => Math.ceil(length / stride));
    total += 2 * outputs * size[0] * size[1];
  }
  return total;
}
